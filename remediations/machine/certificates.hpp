#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "remediations/machine/files.hpp"
#include "remediations/machine/result.hpp"

namespace machine {

struct StoredCertificate {
    std::string thumbprint;  ///< SHA-1 of its DER form, 40 hexadecimal digits in capitals
    std::string subject;     ///< X.500 name: "DC=Windows Azure CRP Certificate Generator"
    std::string issuer;
    std::string friendly_name;
    std::chrono::system_clock::time_point not_before = {};
    std::chrono::system_clock::time_point not_after = {};
    bool has_private_key = false;  ///< the store says so; its file may be gone
    Path key_file = {};            ///< the file that holds the private key; empty without one, or where that is unknown

    friend bool operator==(const StoredCertificate&, const StoredCertificate&) = default;
};

/// The certificate stores of the computer (LocalMachine): "My", "Root", "Windows Azure Environment". Names of stores
/// and thumbprints compare without case. ErrorKind::unsupported on a system without them, as the class itself answers.
class CertificateStore {
public:
    virtual ~CertificateStore() = default;

    /// Sorted by thumbprint. ErrorKind::not_found when there is no such store.
    virtual Result<std::vector<StoredCertificate>> list(const std::string& store) const;

    /// The certificate with all its properties, which say where its private key is, but without the key:
    /// base64 that `add` takes. ErrorKind::not_found when the store has no such certificate.
    virtual Result<std::string> serialized(const std::string& store, const std::string& thumbprint) const;

    /// Replaces one with the same thumbprint.
    virtual Result<void> add(const std::string& store, const std::string& serialized);

    /// Leaves the private key where it is.
    virtual Result<void> remove(const std::string& store, const std::string& thumbprint);
};

}  // namespace machine

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
    bool has_private_key = false;  ///< the store says that it has a private key; the key's file may be gone
    Path key_file = {};            ///< the file of the private key; empty where there is none or it is not known

    friend bool operator==(const StoredCertificate&, const StoredCertificate&) = default;
};

/// The certificate stores of the computer (LocalMachine): "My", "Root", "Windows Azure Environment". Names of stores
/// and thumbprints are compared without case. ErrorKind::unsupported on a system without them: the base class answers
/// so.
class CertificateStore {
public:
    virtual ~CertificateStore() = default;

    /// Returns the certificates sorted by thumbprint. ErrorKind::not_found where there is no such store.
    virtual Result<std::vector<StoredCertificate>> list(const std::string& store) const;

    /// Returns the certificate as base64 that add() takes: with all its properties, which say where its private key is,
    /// but without the key. ErrorKind::not_found where the store has no such certificate.
    virtual Result<std::string> serialized(const std::string& store, const std::string& thumbprint) const;

    /// Adds a certificate. Replaces one with the same thumbprint.
    virtual Result<void> add(const std::string& store, const std::string& serialized);

    /// Removes a certificate. Its private key stays.
    virtual Result<void> remove(const std::string& store, const std::string& thumbprint);
};

}  // namespace machine

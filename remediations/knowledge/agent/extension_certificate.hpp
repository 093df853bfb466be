#pragma once

#include <optional>
#include <string>
#include <vector>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// The certificate to which Azure encrypts the settings of extensions. The Windows guest agent keeps it in the store
/// "My" of the computer. Get it through machine.derived<ExtensionCertificate>().
class ExtensionCertificate {
public:
    static constexpr auto store = "My";
    /// The name in its issuer and its subject. It is the same in every display language.
    static constexpr auto issuer = "Windows Azure CRP Certificate Generator";

    explicit ExtensionCertificate(const machine::Machine& machine);

    /// Returns the thumbprint in the newest settings of the backup extension; empty where there are none or they are
    /// not encrypted.
    const std::string& wanted_thumbprint() const { return wanted_thumbprint_; }
    const machine::Path& settings_file() const { return settings_file_; }

    /// Returns the certificate with that thumbprint; where no settings name one, the newest of that issuer. nullptr
    /// without one.
    const machine::StoredCertificate* certificate() const { return certificate_ ? &*certificate_ : nullptr; }

    /// Returns why the certificate is not known; nullptr where it could be looked for.
    const machine::Error* error() const { return error_ ? &*error_ : nullptr; }

private:
    std::string wanted_thumbprint_;
    machine::Path settings_file_;
    std::optional<machine::StoredCertificate> certificate_;
    std::optional<machine::Error> error_;
};

}  // namespace remediations

#pragma once

#include <filesystem>
#include <string>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Decrypts a CMS EnvelopedData (DER) that was encrypted to the guest agent's certificate with
/// this SHA-1 `thumbprint` (40 hex digits). AES and 3DES content encryption.
/// Linux: <agent_folder>/<THUMBPRINT>.crt and .prv (PEM). Windows: LocalMachine\My;
/// `agent_folder` is not used.
/// Errors: not_found = no such certificate or key; refused = encrypted to another recipient;
/// invalid = not a CMS message, or damaged.
Result<std::string> decrypt_cms(const std::string& der, const std::string& thumbprint,
                                const std::filesystem::path& agent_folder);

}  // namespace machine::local

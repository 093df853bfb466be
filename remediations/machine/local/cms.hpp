#pragma once

#include <filesystem>
#include <string>

#include "remediations/machine/result.hpp"

namespace machine::local {

/// Decrypts a CMS EnvelopedData (DER) that was encrypted to the guest agent's certificate with this SHA-1 `thumbprint`
/// (40 hex digits). Supports AES and 3DES. Linux: uses <agent_folder>/<THUMBPRINT>.crt and .prv (PEM). Windows: uses
/// LocalMachine\My and ignores `agent_folder`. Errors: not_found = no such certificate or key; refused = encrypted to
/// another recipient; invalid = not a CMS message, or damaged.
Result<std::string> decrypt_cms(const std::string& der, const std::string& thumbprint,
                                const std::filesystem::path& agent_folder);

}  // namespace machine::local

#pragma once

#include <string>
#include <string_view>

#include "remediations/machine/files.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <wincrypt.h>

namespace machine::windows {

/// Returns the file in which Windows keeps the private key of a certificate of the computer, from the key information
/// of the certificate. The file may be gone. Empty where the key is kept elsewhere (a smart card, another user's keys).
Path key_file_of(const CRYPT_KEY_PROV_INFO& key);

/// Returns the beginning of the file name that the CryptoAPI gives to a key container, up to the "_" before the
/// computer's MachineGuid: the MD5 of the lower-case name with its NUL, as four numbers. Example: "iisConfigurationKey"
/// gives "6de9cb26d2b98c01ec4e9e8b34824aa2", which is known from every computer with IIS. Empty where it cannot be
/// computed.
std::string container_file_prefix(std::string_view container);

}  // namespace machine::windows

#pragma once

#include <string>
#include <string_view>

#include "remediations/machine/files.hpp"
#include "remediations/machine/windows/unique_handle.hpp"

#include <wincrypt.h>

namespace machine::windows {

/// The file in which Windows keeps the private key of a certificate of the computer, from what the certificate says
/// of its key; also of a key whose file is gone. Empty where it is kept elsewhere (a smart card, another user's keys).
Path key_file_of(const CRYPT_KEY_PROV_INFO& key);

/// How the CryptoAPI names the file of a key container, up to the "_" before the computer's MachineGuid: the MD5 of
/// the name in lower case with its NUL, as four numbers. "6de9cb26d2b98c01ec4e9e8b34824aa2" of
/// "iisConfigurationKey", whose file is known from every computer with IIS. Empty where it cannot be computed.
std::string container_file_prefix(std::string_view container);

}  // namespace machine::windows

#pragma once

#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// What the newest settings file of the backup extension says about its encryption.
struct BackupSettings {
    machine::Path
        file;  ///< <Lib.Dir>/<extension>/config/<n>.settings; Windows: <extension>\RuntimeSettings\<n>.settings
    std::string thumbprint;     ///< SHA-1 of the certificate that the settings are encrypted to; empty: none
    bool is_encrypted = false;  ///< protected settings are there; the extension removes them once it has read them
};

/// ErrorKind::not_found where the extension is not installed, or has no settings yet; invalid says what is wrong
/// with the file.
machine::Result<BackupSettings> newest_backup_settings(const machine::Machine& machine);

/// {"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"...","protectedSettings":"..."}}]};
/// either can be missing or null.
machine::Result<BackupSettings> parse_backup_settings(const machine::Path& file, const std::string& text);

}  // namespace remediations

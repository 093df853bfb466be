#pragma once

#include <string>

#include "remediations/machine/machine.hpp"

namespace remediations {

/// The encryption of the settings of the backup extension, from its newest settings file.
struct BackupSettings {
    machine::Path
        file;  ///< <Lib.Dir>/<extension>/config/<n>.settings; Windows: <extension>\RuntimeSettings\<n>.settings
    std::string thumbprint;     ///< SHA-1 of the certificate to which the settings are encrypted; empty: none
    bool is_encrypted = false;  ///< the file has protected settings; the extension removes them after it has read them
};

/// ErrorKind::not_found where the extension is not installed or has no settings yet. ErrorKind::invalid says what is
/// wrong with the file.
machine::Result<BackupSettings> newest_backup_settings(const machine::Machine& machine);

/// Parses
/// {"runtimeSettings":[{"handlerSettings":{"protectedSettingsCertThumbprint":"...","protectedSettings":"..."}}]}.
/// Either member may be missing or null.
machine::Result<BackupSettings> parse_backup_settings(const machine::Path& file, const std::string& text);

}  // namespace remediations

// /etc/azure/vmbackup.conf: what is set is what is read back, and a repaired file can be read.
#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"

#include "remediations/knowledge/configuration/vmbackup_repair.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using remediations::VmBackupConfiguration;
    const std::string bytes(fuzz::text_of(data, size));
    const VmBackupConfiguration configuration(bytes);
    (void)configuration.integer_of("timeout", 1);
    (void)configuration.mounts_to_skip();
    if (configuration.is_readable()) {
        const VmBackupConfiguration edited(configuration.with_setting("MountsToSkip", "/data"));
        fuzz::require(edited.is_readable() && edited.text_of("MountsToSkip", "") == "/data");
    } else if (const auto repaired = remediations::repaired_vmbackup_configuration(bytes)) {
        fuzz::require(VmBackupConfiguration(*repaired).is_readable());
    }
    return 0;
}

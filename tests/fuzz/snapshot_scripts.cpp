// VMSnapshotScriptPluginConfig.json and the settings of the backup extension.
#include "remediations/knowledge/configuration/extension_settings.hpp"
#include "remediations/knowledge/snapshot/script_framework.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::text_of(data, size));
    const auto scripts = remediations::parse_script_configuration("scripts.json", text);
    fuzz::require(scripts.configuration || scripts.fault);
    const auto settings = remediations::parse_backup_settings("0.settings", text);
    fuzz::require(settings || settings.error().message.find("0.settings") != std::string::npos);
    return 0;
}

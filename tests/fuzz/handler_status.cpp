// What the guest agent noted about the backup extension: HandlerState in the first line, then HandlerStatus.
#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/machine/recorded/capture_content.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace machine::recorded;
    static const auto capture = std::make_shared<Capture>();
    static const auto machine = machine_of(capture);
    constexpr const char* library = "/var/lib/waagent";
    static const std::string folder =
        std::string(library) + "/Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0.9220.0";
    capture->complete = {Section::files};
    capture->files[library].list = std::vector<std::string>{folder.substr(folder.rfind('/') + 1)};
    capture->files[folder].list = std::vector<std::string>{"config"};
    auto text = fuzz::text_of(data, size);
    capture->files[folder + "/config/HandlerState"].content = std::string(fuzz::take_line(text));
    capture->files[folder + "/config/HandlerStatus"].content = std::string(text);
    const auto installed = remediations::installed_backup_extension(machine);
    fuzz::require(installed && installed->folders.size() == 1);
    return 0;
}

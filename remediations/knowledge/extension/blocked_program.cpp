#include "remediations/knowledge/extension/blocked_program.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/find.hpp>

#include "remediations/knowledge/configuration/extension_folder.hpp"
#include "remediations/knowledge/extension/vss_suspicion.hpp"

namespace remediations {

namespace {

constexpr std::array<std::string_view, 3> marks_of_extension = {
    R"(\Plugins\Microsoft.Azure.RecoveryServices.VMSnapshot)", "IaaSBcdrExtension", "iaasvmprovider.dll"};

bool is_about_extension(const machine::Event& event) {
    return std::ranges::any_of(event.data, [](const std::string& value) {
        return std::ranges::any_of(
            marks_of_extension, [&](const auto mark) { return !boost::algorithm::ifind_first(value, mark).empty(); });
    });
}

}  // namespace

const machine::Event* newest_about_extension(const machine::Machine& machine,
                                             const std::vector<EventPattern>& patterns) {
    const machine::Event* newest = nullptr;
    for (const auto& pattern : patterns) {
        const auto* event = newest_current(machine, pattern, is_about_extension);
        if (event && (newest == nullptr || event->time > newest->time)) newest = event;
    }
    return newest;
}

std::vector<machine::Path> extension_places(const machine::Machine& machine) {
    const auto name = backup_extension_name(machine::Platform::windows);
    const auto& drive = machine.facts().system_drive;
    return {drive + R"(\Packages\Plugins\)" + name, drive + R"(\WindowsAzure\Logs\Plugins\)" + name};
}

}  // namespace remediations

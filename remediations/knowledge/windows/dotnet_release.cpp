#include "remediations/knowledge/windows/dotnet_release.hpp"

#include <algorithm>
#include <iterator>

#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations {

machine::Result<std::optional<std::uint64_t>> dotnet_release(const machine::Machine& machine) {
    return registry_number(machine, R"(HKLM\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full)", "Release");
}

std::string version_of_dotnet(std::uint64_t release) {
    struct Version {
        std::uint64_t release;
        const char* name;
    };
    constexpr Version versions[] = {{dotnet_4_5, "4.5"}, {378675, "4.5.1"},   {379893, "4.5.2"}, {393295, "4.6"},
                                    {394254, "4.6.1"},   {394802, "4.6.2"},   {460798, "4.7"},   {461308, "4.7.1"},
                                    {461808, "4.7.2"},   {dotnet_4_8, "4.8"}, {533320, "4.8.1"}};
    const auto* newer = std::ranges::upper_bound(versions, release, {}, &Version::release);
    return newer == std::begin(versions) ? "4" : std::prev(newer)->name;
}

}  // namespace remediations

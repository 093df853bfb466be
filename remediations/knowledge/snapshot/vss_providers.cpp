#include "remediations/knowledge/snapshot/vss_providers.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/windows/registry_values.hpp"
#include "remediations/knowledge/windows/windows_paths.hpp"

namespace remediations {

using machine::ErrorKind;
using machine::Machine;
using machine::Result;

namespace {

constexpr auto providers_key = R"(HKLM\SYSTEM\CurrentControlSet\Services\VSS\Providers)";
constexpr auto classes_key = R"(HKLM\SOFTWARE\Classes\CLSID)";
constexpr auto default_value = "";

/// Shadow copies, file shares, cluster volumes (two), and requests of a Hyper-V host.
constexpr std::array<std::string_view, 5> of_windows = {
    "{b5946137-7b9f-4925-af80-51abd60b20d5}", "{89300202-3cec-4981-9171-19f59559e0f2}",
    "{400a2ff4-5eb1-44b0-8a05-1fcac0bcf9ff}", "{26d02976-b909-43ad-af7e-62a4f625e372}",
    "{74600e39-7dc5-4567-a03b-f091d6c7b092}"};

std::string text_or_empty(const Machine& machine, const std::string& key) {
    const auto text = registry_text(machine, key, default_value);
    return text && *text ? **text : std::string();
}

machine::Path com_server(const Machine& machine, const std::string& class_id) {
    for (const auto* kind : {"InprocServer32", "LocalServer32"}) {
        const auto server = text_or_empty(machine, std::string(classes_key) + "\\" + class_id + "\\" + kind);
        if (!server.empty()) return program_of(machine, server);
    }
    return {};
}

}  // namespace

Result<std::vector<VssProvider>> vss_providers(const Machine& machine) {
    const auto ids = machine.registry().subkeys(providers_key);
    if (!ids && ids.error().kind == ErrorKind::not_found) return std::vector<VssProvider>{};
    if (!ids) return ids.error();
    std::vector<VssProvider> providers;
    for (const auto& id : *ids) {
        VssProvider provider;
        provider.id = boost::algorithm::to_lower_copy(id);
        provider.key = std::string(providers_key) + "\\" + id;
        provider.name = text_or_empty(machine, provider.key);
        provider.class_id = boost::algorithm::to_lower_copy(text_or_empty(machine, provider.key + "\\CLSID"));
        if (!provider.class_id.empty()) provider.library = com_server(machine, provider.class_id);
        if (!provider.library.empty()) {
            const auto file = machine.files().status(provider.library);
            // A file that may not be read exists.
            provider.library_is_there = file || file.error().kind != ErrorKind::not_found;
        }
        providers.push_back(std::move(provider));
    }
    std::ranges::sort(providers, {}, &VssProvider::id);
    return providers;
}

bool is_of_windows(const VssProvider& provider) {
    return std::ranges::find(of_windows, provider.id) != of_windows.end();
}

bool is_of_azure_backup(const VssProvider& provider) {
    return boost::icontains(provider.name, "IaasVmProvider") || boost::icontains(provider.name, "IaaS VM Provider") ||
           boost::iends_with(provider.library, "\\iaasvmprovider.dll");
}

bool is_of_site_recovery(const VssProvider& provider) {
    return boost::icontains(provider.name, "Azure Site Recovery") ||
           boost::icontains(provider.library, "InMageVssProvider");
}

bool is_leftover(const VssProvider& provider) {
    return !provider.library.empty() && !provider.library_is_there;
}

}  // namespace remediations

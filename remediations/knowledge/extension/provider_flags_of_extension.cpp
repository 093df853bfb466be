#include "remediations/knowledge/extension/provider_flags_of_extension.hpp"

#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>

#include "remediations/knowledge/windows/registry_values.hpp"

namespace remediations {

namespace {

struct FlagPlace {
    const char* key;
    const char* name;
};
constexpr std::array<FlagPlace, 2> places_of_flags = {
    {{R"(HKLM\SOFTWARE\Microsoft\BcdrAgent)", "IsProviderInstalled"},
     {R"(HKLM\SOFTWARE\Microsoft\BcdrAgentPersistentKeys)", "IsCommonProviderInstalled"}}};

/// Returns true for a set flag. The extension writes text; scripts and people also write numbers.
bool says_installed(std::string text) {
    boost::algorithm::trim(text);
    return boost::iequals(text, "True") || text == "1";
}

}  // namespace

machine::Result<std::vector<ProviderFlag>> provider_flags_of_extension(const machine::Machine& machine) {
    std::vector<ProviderFlag> flags;
    for (const auto& place : places_of_flags) {
        const auto text = registry_text(machine, place.key, place.name);
        if (!text && text.error().kind == machine::ErrorKind::invalid) continue;  // binary data says nothing
        if (!text) return text.error();
        if (*text) flags.push_back({place.key, place.name, **text, says_installed(**text)});
    }
    return flags;
}

machine::Result<void> clear_provider_flags(Changes& changes) {
    const auto flags = provider_flags_of_extension(changes.machine());
    if (!flags) return flags.error();
    for (const auto& flag : *flags) {
        if (!flag.is_set) continue;
        const machine::RegistryValue cleared{machine::RegistryType::string, std::string("False")};
        if (auto set = changes.set_registry_value(flag.key, flag.name, cleared); !set) return set;
    }
    return {};
}

}  // namespace remediations

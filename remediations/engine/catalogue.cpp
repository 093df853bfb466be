#include "remediations/engine/catalogue.hpp"

#include <algorithm>

#include "remediations/engine/catalogue_entries.hpp"

namespace remediations {

std::span<const Remediation* const> catalogue() {
#define ADDRESS_OF(name) &causes::name::remediation,
    static constexpr const Remediation* entries[] = {REMEDIATIONS(ADDRESS_OF)};
#undef ADDRESS_OF
    return entries;
}

const Remediation* find_remediation(std::string_view id) {
    const auto all = catalogue();
    const auto found = std::ranges::find(all, id, [](const auto* entry) -> std::string_view { return entry->id; });
    return found == all.end() ? nullptr : *found;
}

std::vector<const Remediation*> remediations_for(std::string_view error_code) {
    std::vector<const Remediation*> explaining;
    std::ranges::copy_if(catalogue(), std::back_inserter(explaining),
                         [&](const auto* entry) { return explains(*entry, error_code); });
    return explaining;
}

}  // namespace remediations

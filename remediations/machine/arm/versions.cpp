#include "remediations/machine/arm/versions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

namespace machine::arm {

namespace {

struct Row {
    std::string_view type;  ///< the beginning of provider/type; the longest one that matches counts
    ApiVersion version;
};

// Source: the folders of Azure/azure-rest-api-specs, and Debian's python3-azure, which has one for each version.
constexpr Row rows[] = {
    {"Microsoft.Compute/", {"2025-04-01", "2019-07-01"}},
    {"Microsoft.Compute/restorePointCollections", {"2025-04-01", "2021-03-01"}},
    {"Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints", {"2024-03-02", "2020-12-01"}},
    {"Microsoft.Compute/disks", {"2024-03-02", "2020-12-01"}},
    {"Microsoft.Compute/snapshots", {"2024-03-02", "2020-12-01"}},
    {"Microsoft.Compute/diskEncryptionSets", {"2024-03-02", "2020-12-01"}},
    {"Microsoft.RecoveryServices/locations", {"2023-04-01", "2017-07-01"}},
    {"Microsoft.RecoveryServices/vaults", {"2023-06-01", "2022-10-01"}},
    {"Microsoft.RecoveryServices/vaults/", {"2023-04-01", "2016-12-01"}},
    {"Microsoft.Authorization/locks", {"2020-05-01", "2016-09-01"}},
    {"Microsoft.Authorization/permissions", {"2022-04-01", "2015-07-01"}},
    {"Microsoft.PolicyInsights/checkPolicyRestrictions", {"2023-03-01", "2023-03-01"}},
    {"Microsoft.Network/networkInterfaces", {"2022-07-01", "2019-11-01"}},
    {"Microsoft.KeyVault/vaults", {"2022-07-01", "2019-09-01"}},
    {"Microsoft.Insights/eventtypes", {"2015-04-01", "2015-04-01"}},
};
constexpr ApiVersion of_resources = {"2021-04-01", "2019-10-01"};

}  // namespace

ResourceType type_of(std::string_view path) {
    constexpr std::string_view marker = "/providers/";
    const auto lowered = boost::ifind_last(path, marker);
    if (lowered.empty()) return {"Microsoft.Resources", "resourceGroups"};
    const auto rest = path.substr(static_cast<std::size_t>(lowered.end() - path.begin()));
    const auto slash = std::min(rest.find('/'), rest.size());
    ResourceType found{std::string(rest.substr(0, slash)), {}};
    bool is_type = true;
    for (auto at = slash; at < rest.size();) {
        const auto end = std::min(rest.find('/', at + 1), rest.size());
        const auto segment = rest.substr(at + 1, end - at - 1);
        if (is_type && !segment.empty()) {
            if (!found.type.empty()) found.type += '/';
            found.type += segment;
        }
        is_type = !is_type;
        at = end;
    }
    return found;
}

ApiVersion version_for(const ResourceType& type) {
    if (type.type.empty() || type.type == "register") return of_resources;
    const auto whole = type.provider + "/" + type.type;
    const Row* best = nullptr;
    for (const auto& row : rows) {
        if (boost::istarts_with(whole, row.type) && (!best || row.type.size() > best->type.size())) best = &row;
    }
    return best ? best->version : of_resources;
}

std::string newest_version(const std::vector<std::string>& offered, std::string_view oldest) {
    std::string newest;
    for (const auto& version : offered) {
        // "2022-09-01-preview" is longer; dates compare as texts.
        if (version.size() == oldest.size() && version >= oldest && version > newest) newest = version;
    }
    return newest;
}

std::string action_for(const ArmQuestion& question) {
    const auto type = type_of(question.path);
    if (type.provider == "Microsoft.Resources") return "Microsoft.Resources/subscriptions/resourceGroups/read";
    if (type.type.empty()) return "Microsoft.Resources/subscriptions/providers/read";
    const bool only_named_read = type.type == "checkPolicyRestrictions";
    const auto* word = question.method == "GET" || only_named_read ? "read"
                       : question.method == "DELETE"               ? "delete"
                       : question.method == "PUT"                  ? "write"
                                                                   : "action";
    return fmt::format("{}/{}/{}", type.provider, type.type, word);
}

}  // namespace machine::arm

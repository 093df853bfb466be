#pragma once

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <span>
#include <string_view>

#include "remediations/knowledge/reasons/rows.hpp"

namespace remediations {

/// Returns nullptr where the table does not contain the number.
template <typename Row>
const Row* find_number(std::span<const Row> rows, std::int64_t number) {
    const auto found = std::ranges::lower_bound(rows, number, {},
                                                [](const Row& row) { return static_cast<std::int64_t>(row.number); });
    return found == rows.end() || found->number != number ? nullptr : &*found;
}

/// Returns the row with exactly this name; nullptr where there is none.
inline const NameRow* find_name(std::span<const NameRow> rows, std::string_view name) {
    const auto found =
        std::ranges::lower_bound(rows, name, {}, [](const NameRow& row) { return std::string_view(row.name); });
    return found == rows.end() || name != found->name ? nullptr : &*found;
}

/// Returns the first row with this name, compared without case if `any_case`; nullptr where there is none, and for an
/// empty name.
template <typename Row>
const Row* find_symbol(std::span<const Row> rows, std::string_view name, bool any_case = false) {
    if (name.empty()) return nullptr;
    const auto found = std::ranges::find_if(rows, [&](const Row& row) {
        return any_case ? boost::iequals(name, std::string_view(row.name)) : name == row.name;
    });
    return found == rows.end() ? nullptr : &*found;
}

}  // namespace remediations

#include "remediations/machine/arm/reduced.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>

#include "remediations/machine/utf8.hpp"

namespace machine::arm {

namespace json = boost::json;

namespace {

constexpr std::size_t longest_text = 4096;

json::value leaf(const json::value& value) {
    if (const auto* text = value.if_string()) {
        return json::string(valid_utf8(std::string_view(text->data(), std::min(text->size(), longest_text))));
    }
    if (const auto* list = value.if_array()) {
        json::array kept;
        for (const auto& element : *list) {
            if (!element.is_object() && !element.is_array()) kept.push_back(leaf(element));
        }
        return kept;
    }
    return value.is_object() ? json::value(nullptr) : value;
}

/// Returns the parts of `value` that the paths in `wanted` name. The paths begin at `value`.
json::value kept_of(const json::value& value, const std::vector<std::string_view>& wanted) {
    if (const auto* list = value.if_array()) {
        json::array kept;
        for (const auto& element : *list) {
            if (element.is_object() || element.is_array()) kept.push_back(kept_of(element, wanted));
        }
        return kept;
    }
    json::object kept;
    const auto* object = value.if_object();
    if (!object) return nullptr;
    for (const auto& [name, member] : *object) {
        std::vector<std::string_view> below;
        bool is_leaf = false;
        for (const auto path : wanted) {
            const auto dot = path.find('.');
            if (path.substr(0, dot) != std::string_view(name)) continue;
            if (dot == path.npos) {
                is_leaf = true;
            } else {
                below.push_back(path.substr(dot + 1));
            }
        }
        if (is_leaf) {
            kept[name] = leaf(member);
        } else if (!below.empty() && (member.is_object() || member.is_array())) {
            kept[name] = kept_of(member, below);
        }
    }
    return kept;
}

}  // namespace

json::value reduced(const json::value& whole, const std::vector<std::string>& members) {
    return kept_of(whole, {members.begin(), members.end()});
}

}  // namespace machine::arm

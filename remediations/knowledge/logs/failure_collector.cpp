#include "remediations/knowledge/logs/failure_collector.hpp"

#include <algorithm>

namespace remediations {
namespace {

/// Texts that are equal up to this length count as the same.
constexpr std::size_t longest_shape = 600;
/// A mixture of letters and digits of this length is an identifier and not a word.
constexpr std::size_t identifier_length = 8;

bool is_digit_of_shape(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter_of_shape(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// 0x80042306
bool is_hresult(std::string_view word) {
    return word.size() == 10 && (word.starts_with("0x8") || word.starts_with("0xc") || word.starts_with("0xC"));
}

/// Returns true if the text begins with a GUID: 76884ff0-bf64-4b06-acad-0ac251b699bd
bool starts_as_guid(std::string_view text) {
    constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.size() < form.size()) {
        return false;
    }
    for (std::size_t i = 0; i < form.size(); ++i) {
        const char c = text[i];
        const bool is_hex = is_digit_of_shape(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (form[i] == '-' ? c != '-' : !is_hex) {
            return false;
        }
    }
    return true;
}

/// Returns true if a number after this text is a code, which distinguishes failures, and not a count or a name.
bool announces_code(std::string_view before) {
    while (!before.empty() && std::string_view(" :=[(-'\"").find(before.back()) != std::string_view::npos) {
        before.remove_suffix(1);
    }
    constexpr std::string_view words[] = {"Errno", "errno", "ode",   "tatus", "xit",  "ignal",
                                          "rror",  "HTTP",  "ailed", "eason", "event"};
    return std::ranges::any_of(words, [&](auto word) { return before.ends_with(word); });
}

}  // namespace

std::string shape_of(std::string_view text) {
    std::string shape;
    shape.reserve(std::min(text.size(), longest_shape));
    bool in_address = false;
    for (std::size_t i = 0; i < text.size() && shape.size() < longest_shape;) {
        const char c = text[i];
        if (!is_letter_of_shape(c) && !is_digit_of_shape(c)) {
            if (c == ' ' || c == '\t' || c == '\n') {
                in_address = false;
                if (!shape.empty() && shape.back() != ' ') {
                    shape += ' ';
                }
                ++i;
                continue;
            }
            if (text.substr(i).starts_with("://")) {
                in_address = true;
            } else if (c == '?' && in_address) {
                // A query: signatures and times.
                i = std::min(text.find_first_of(" \t'\">", i), text.size());
                continue;
            }
            // 10.0.0.4, 2026-11-30T09:04:33, 1.0.9220.0 and a GUID are one mask.
            const bool joins = (c == '.' || c == '-' || c == ':') && !shape.empty() && shape.back() == '#' &&
                               i + 1 < text.size() && is_digit_of_shape(text[i + 1]);
            if (!joins) {
                shape += c;
            }
            ++i;
            continue;
        }
        if (starts_as_guid(text.substr(i))) {
            constexpr std::size_t guid_length = 36;
            shape += '#';
            i += guid_length;
            continue;
        }
        auto end = i;
        std::size_t digits = 0;
        while (end < text.size() && (is_letter_of_shape(text[end]) || is_digit_of_shape(text[end]))) {
            digits += is_digit_of_shape(text[end]) ? 1 : 0;
            ++end;
        }
        const auto word = text.substr(i, end - i);
        const bool is_code = digits == word.size() && digits <= 5 &&
                             (announces_code(text.substr(0, i)) ||
                              (end < text.size() && text[end] == ':' && i > 0 && text[i - 1] == '[' && digits == 3));
        const auto mask = [&] {
            if (shape.empty() || shape.back() != '#') {
                shape += '#';
            }
        };
        if (digits == 0 || is_code || is_hresult(word)) {
            shape += word;
        } else if (digits == word.size() || word.size() >= identifier_length) {
            mask();
        } else {
            for (const char letter : word) {
                if (is_digit_of_shape(letter)) {
                    mask();
                } else {
                    shape += letter;
                }
            }
        }
        i = end;
    }
    while (shape.ends_with(' ')) {
        shape.pop_back();
    }
    return shape;
}

FailureCollector::Kept* FailureCollector::find(std::string_view shape) {
    const auto place = by_shape_.find(shape);
    return place == by_shape_.end() ? nullptr : &*place->second;
}

FailureCollector::Kept& FailureCollector::add(std::string_view shape, const Occurrence& occurrence) {
    const auto place = by_shape_.find(shape);
    if (place != by_shape_.end()) {
        kept_.splice(kept_.end(), kept_, place->second);
    } else {
        if (kept_.size() >= most_shapes_) {
            by_shape_.erase(kept_.front().failure.shape);
            kept_.pop_front();
            ++dropped_;
        }
        auto& kept = kept_.emplace_back();
        kept.failure.shape = shape;
        kept.failure.count = 0;
        by_shape_.emplace(kept.failure.shape, std::prev(kept_.end()));
    }
    auto& kept = kept_.back();
    auto& failure = kept.failure;
    ++failure.count;
    failure.position = occurrence.position;
    if (occurrence.time) {
        failure.first = failure.first ? failure.first : occurrence.time;
        failure.newest = occurrence.time;
    }
    auto& all = kept.occurrences;
    if (all.size() == most_occurrences) {
        // Removes every second one of the older half.
        std::size_t left = 0;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (i < all.size() / 2 && i % 2 == 0) {
                all[i + 1].count += all[i].count;
                continue;
            }
            all[left++] = all[i];
        }
        all.resize(left);
    }
    all.push_back(occurrence);
    return kept;
}

}  // namespace remediations

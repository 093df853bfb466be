#include "remediations/machine/recorded/redact.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>

namespace machine::recorded {

namespace {

constexpr std::string_view replacement = "REDACTED";

/// Where a secret starts, and which characters end it.
struct Marker {
    std::string_view before;
    std::string_view ends_at;
};

constexpr Marker markers[] = {
    {"sig=", "&\"' \t\r\n<>\\"},     {"AccountKey=", ";\"' \t\r\n<>\\"},       {"SharedAccessKey=", ";\"' \t\r\n<>\\"},
    {"password=", "&;\"' \t\r\n<>"}, {"Authorization: Bearer ", " \t\r\n\"'"},
};

/// JSON members whose text value is a secret; the quote may itself be escaped in a nested document.
constexpr std::string_view secret_members[] = {"protectedSettings", "password",      "commandToExecute",
                                               "logsBlobUri",       "statusBlobUri", "storageAccountKey"};

/// Replaces from `start` to before the first of `ends_at`; returns where to go on.
std::size_t cut(std::string& text, std::size_t start, std::string_view ends_at) {
    const auto end = std::min(text.find_first_of(ends_at, start), text.size());
    text.replace(start, end - start, replacement);
    return start + replacement.size();
}

/// ASCII alone, because a character of any other script is part of no marker.
std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

void redact_markers(std::string& text) {
    for (const auto& marker : markers) {
        const auto before = lower_case(marker.before);
        const auto lower = lower_case(text);
        std::string redacted;
        std::size_t done = 0;
        for (auto at = lower.find(before); at != std::string::npos; at = lower.find(before, done)) {
            const auto secret = at + before.size();
            redacted.append(text, done, secret - done).append(replacement);
            done = std::min(text.find_first_of(marker.ends_at, secret), text.size());
        }
        if (done > 0) text = redacted.append(text, done);
    }
}

void redact_members(std::string& text) {
    for (const auto member : secret_members) {
        for (auto at = text.find(member); at != std::string::npos; at = text.find(member, at)) {
            at += member.size();
            // name, closing quote, colon, opening quote, each perhaps with escapes or blanks around
            const auto colon = text.find_first_not_of("\\\"' \t", at);
            if (colon == std::string::npos || text[colon] != ':') continue;
            const auto quote = text.find_first_not_of("\\ \t\r\n", colon + 1);
            if (quote == std::string::npos || text[quote] != '"') continue;
            at = cut(text, quote + 1, "\"");
        }
    }
}

void redact_private_keys(std::string& text) {
    constexpr std::string_view begin = "PRIVATE KEY-----";
    constexpr std::string_view end = "-----END";
    for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
        at += begin.size();
        const auto stop = std::min(text.find(end, at), text.size());
        text.replace(at, stop - at, replacement);
        // past "-----END ... PRIVATE KEY-----"
        const auto closing = text.find(begin, at);
        if (closing == std::string::npos) return;
        at = closing + begin.size();
    }
}

}  // namespace

std::string redact(std::string_view text) {
    std::string redacted(text);
    redact_markers(redacted);
    redact_members(redacted);
    redact_private_keys(redacted);
    return redacted;
}

bool is_secret_file(std::string_view path) {
    return std::ranges::any_of(std::initializer_list<std::string_view>{".prv", ".pem", ".pfx", ".p12", ".key", ".crd"},
                               [&](auto ending) { return boost::iends_with(path, ending); });
}

}  // namespace machine::recorded

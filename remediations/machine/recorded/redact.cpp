#include "remediations/machine/recorded/redact.hpp"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <optional>

namespace machine::recorded {

namespace {

constexpr std::string_view replacement = "REDACTED";

/// Where a secret starts, and which characters end it.
struct Marker {
    std::string_view before;
    std::string_view ends_at;
};

constexpr Marker markers[] = {
    {"sig=", "&\"' \t\r\n<>\\"},
    {"AccountKey=", ";\"' \t\r\n<>\\"},
    {"SharedAccessKey=", ";\"' \t\r\n<>\\"},
    {"password=", "&;\"' \t\r\n<>"},
    {"Authorization: Bearer ", " \t\r\n\"'"},
    // of network configurations
    {"psk=", "\r\n"},
    {"private-key=", "\r\n"},
    {"preshared-key=", "\r\n"},
    {"password: ", "\r\n"},
};

/// JSON members whose text value is a secret; the quote may itself be escaped in a nested document.
constexpr std::string_view secret_members[] = {"protectedSettings", "password",      "commandToExecute",
                                               "logsBlobUri",       "statusBlobUri", "storageAccountKey"};

/// A secret, and where to look for the next one.
struct Secret {
    std::size_t begin;
    std::size_t end;
    std::size_t next;
};

/// Takes time in proportion to the text, however many secrets `find(from)` sees in it.
template <class Find>
std::string replace_each(std::string_view text, Find find) {
    std::string replaced;
    std::size_t copied = 0;
    for (std::optional<Secret> secret = find(0); secret; secret = find(secret->next)) {
        replaced.append(text.substr(copied, secret->begin - copied)).append(replacement);
        copied = secret->end;
    }
    return replaced.append(text.substr(copied));
}

/// ASCII alone, and in every locale: each byte keeps its place.
std::string lower_case_ascii(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower;
}

std::string without_marked(std::string_view text, const Marker& marker) {
    const auto lower = lower_case_ascii(text);
    const auto before = lower_case_ascii(marker.before);
    return replace_each(text, [&](std::size_t from) -> std::optional<Secret> {
        const auto found = lower.find(before, from);
        if (found == std::string::npos) return std::nullopt;
        const auto begin = found + before.size();
        const auto end = std::min(text.find_first_of(marker.ends_at, begin), text.size());
        return Secret{begin, end, end};
    });
}

/// How many backslashes stand directly before `at`.
std::size_t escapes_before(std::string_view text, std::size_t at) {
    std::size_t count = 0;
    while (count < at && text[at - count - 1] == '\\') ++count;
    return count;
}

/// The end of a JSON string that begins at `begin`, in a document or in one that is a string of another: there the
/// quotes around it have as many escapes, and a quote in it has more.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
    const auto level = escapes_before(text, begin - 1);
    for (auto quote = text.find('"', begin); quote != text.npos; quote = text.find('"', quote + 1)) {
        const auto escapes = std::min(escapes_before(text, quote), quote - begin);
        if (escapes % (2 * (level + 1)) == level) return quote - level;
    }
    return text.size();
}

std::string without_members(std::string_view text, std::string_view member) {
    return replace_each(text, [&](std::size_t from) -> std::optional<Secret> {
        for (auto at = text.find(member, from); at != text.npos; at = text.find(member, at)) {
            at += member.size();
            // name, closing quote, colon, opening quote, each perhaps with escapes or blanks around
            const auto colon = text.find_first_not_of("\\\"' \t", at);
            if (colon == text.npos || text[colon] != ':') continue;
            const auto quote = text.find_first_not_of("\\ \t\r\n", colon + 1);
            if (quote == text.npos || text[quote] != '"') continue;
            const auto end = end_of_string(text, quote + 1);
            return Secret{quote + 1, end, end};
        }
        return std::nullopt;
    });
}

std::string without_private_keys(std::string_view text) {
    constexpr std::string_view head = "PRIVATE KEY-----";
    constexpr std::string_view foot = "-----END";
    return replace_each(text, [&](std::size_t from) -> std::optional<Secret> {
        const auto found = text.find(head, from);
        if (found == text.npos) return std::nullopt;
        const auto begin = found + head.size();
        const auto end = std::min(text.find(foot, begin), text.size());
        // past "-----END ... PRIVATE KEY-----"
        const auto closing = std::min(text.find(head, end), text.size());
        return Secret{begin, end, std::min(closing + head.size(), text.size())};
    });
}

/// The password of "http://name:password@host".
std::string without_url_passwords(std::string_view text) {
    constexpr std::string_view scheme_end = "://";
    return replace_each(text, [&](std::size_t from) -> std::optional<Secret> {
        for (auto at = text.find(scheme_end, from); at != text.npos; at = text.find(scheme_end, at)) {
            at += scheme_end.size();
            const auto authority = text.substr(at, text.find_first_of("/?# \t\r\n\"'<>", at) - at);
            const auto colon = authority.find(':');
            const auto host = authority.rfind('@');
            if (host == authority.npos || colon >= host) continue;
            return Secret{at + colon + 1, at + host, at + host};
        }
        return std::nullopt;
    });
}

}  // namespace

std::string redact(std::string_view text) {
    std::string redacted(text);
    for (const auto& marker : markers) redacted = without_marked(redacted, marker);
    for (const auto member : secret_members) redacted = without_members(redacted, member);
    redacted = without_url_passwords(redacted);
    redacted = without_private_keys(redacted);
    return redacted;
}

bool is_secret_file(std::string_view path) {
    return std::ranges::any_of(std::initializer_list<std::string_view>{".prv", ".pem", ".pfx", ".p12", ".key", ".crd"},
                               [&](auto ending) { return boost::iends_with(path, ending); });
}

}  // namespace machine::recorded

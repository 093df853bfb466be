#include "remediations/machine/recorded/redact.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>
#include <optional>

namespace machine::recorded {

namespace {

constexpr std::string_view replacement = "REDACTED";

// ASCII alone, and in every locale.
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_word(char c) {
    return is_digit(c) || is_upper(c) || is_lower(c);
}
bool is_line_end(char c) {
    return c == '\r' || c == '\n' || c == '\0';
}
char lower(char c) {
    return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

template <std::size_t size>
bool is_one_of(const std::array<std::string_view, size>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

/// The range of a secret, and the place where the search for the next one begins.
struct Secret {
    std::size_t begin;
    std::size_t end;
    std::size_t next;
};

/// Takes time in proportion to the text, however many secrets `find(from)` finds in it.
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

/// Returns the number of backslashes directly before `at`.
std::size_t escapes_before(std::string_view text, std::size_t at) {
    std::size_t count = 0;
    while (count < at && text[at - count - 1] == '\\') ++count;
    return count;
}

/// Returns the end of a quoted string that begins at `begin`. In a document that is a string inside another document,
/// the quotes around the string have as many escapes as the first, and a quote in it has more.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
    const char mark = text[begin - 1];
    const auto level = escapes_before(text, begin - 1);
    for (auto quote = text.find(mark, begin); quote != text.npos; quote = text.find(mark, quote + 1)) {
        const auto escapes = std::min(escapes_before(text, quote), quote - begin);
        if (escapes % (2 * (level + 1)) == level) return quote - level;
    }
    return text.size();
}

// The meaning of a name for its value. A name is split into parts ("x-functions-key", "clientSecret", "DB_PASS"), and
// its last part decides: "passwordExpired" and "tokenType" hold no secret.

enum class Names {
    nothing,
    bare_key,   ///< "key" alone is mostly not a secret: it is one only in an assignment, and where its value looks like
                ///< one
    doubtful,   ///< a secret where its value looks like one, or where the form is certain
    secret,     ///< a secret, whatever its value is
    header,     ///< a secret, with everything that follows in the line
    whole_line  ///< the same, but only for "="
};

/// The last part of a name, or the end of a name whose parts cannot be separated ("pgpassword", "storageaccountkey").
constexpr std::array<std::string_view, 14> secret_endings = {
    "password",  "passwd",     "passphrase", "passwort",   "secret",    "apikey",     "accountkey",
    "accesskey", "privatekey", "sharedkey",  "storagekey", "masterkey", "credential", "accesstoken"};
constexpr std::array<std::string_view, 4> secret_parts = {"pwd", "psk", "sas", "sig"};
constexpr std::array<std::string_view, 7> doubtful_parts = {"token",  "key",       "pass", "auth",
                                                            "cookie", "signature", "pin"};
/// Parts that may follow the decisive part.
constexpr std::array<std::string_view, 8> neutral_parts = {"value", "text",   "base64", "b64",
                                                           "hash",  "string", "plain",  "old"};
/// Words before "key" in the name of a key that identifies something and opens nothing.
constexpr std::array<std::string_view, 14> public_keys = {"public", "cache",      "registry", "sort",       "partition",
                                                          "row",    "foreign",    "dedup",    "unique",     "sub",
                                                          "host",   "primarykey", "hot",      "idempotency"};
/// Words before "code" in the name of a code that gives access.
constexpr std::array<std::string_view, 9> secret_codes = {
    "auth", "authorization", "device", "user", "verification", "activation", "access", "security", "otp"};
/// JSON members whose text is a secret although their names do not say so.
constexpr std::array<std::string_view, 7> secret_members = {"protectedsettings", "commandtoexecute", "logsbloburi",
                                                            "statusbloburi",     "connectionstring", "keybackupdata",
                                                            "secretdata"};
/// Parameters of the URL under which Resource Manager reports an operation: certificate, signature and hash.
constexpr std::array<std::string_view, 3> signing_parameters = {"c", "s", "h"};

/// The parts of a name in lower case, and the name itself.
struct Name {
    std::string whole;               ///< without the characters between its parts
    std::vector<std::string> parts;  ///< never empty
};

Name taken_apart(std::string_view name) {
    Name result;
    std::string part;
    const auto end_part = [&] {
        while (!part.empty() && is_digit(part.back()) && !part.ends_with("64")) part.pop_back();
        if (!part.empty()) result.parts.push_back(std::move(part));
        part.clear();
    };
    for (std::size_t at = 0; at < name.size(); ++at) {
        const char c = name[at];
        const bool begins_word = is_upper(c) && at > 0 && (is_lower(name[at - 1]) || is_digit(name[at - 1]));
        // "SASToken"
        const bool ends_capitals =
            is_upper(c) && at > 0 && is_upper(name[at - 1]) && at + 1 < name.size() && is_lower(name[at + 1]);
        if (begins_word || ends_capitals) end_part();
        if (is_word(c)) {
            part += lower(c);
            result.whole += lower(c);
        } else {
            end_part();
        }
    }
    end_part();
    if (result.parts.empty()) result.parts.emplace_back();
    return result;
}

Names meaning_of(std::string_view text) {
    auto name = taken_apart(text);
    while (name.parts.size() > 1 && is_one_of(neutral_parts, name.parts.back())) name.parts.pop_back();
    auto last = name.parts.back();
    const std::string before = name.parts.size() > 1 ? name.parts[name.parts.size() - 2] : "";
    if (name.whole == "authorization" || name.whole == "proxyauthorization" || name.whole == "cookie" ||
        name.whole == "setcookie") {
        return Names::header;
    }
    if (last == "psk" || name.whole == "privatekey" || name.whole == "presharedkey") return Names::whole_line;
    if (is_one_of(secret_members, name.whole)) return Names::secret;
    if (last.size() > 3 && last.ends_with('s') && !last.ends_with("ss")) last.pop_back();
    const auto ends_in_secret = [&](std::string_view word) {
        return std::ranges::any_of(secret_endings, [&](auto ending) { return word.ends_with(ending); });
    };
    // "AZURE_STORAGE_KEY" and "account-key" as "accountkey"
    if (last == "nopasswd") return Names::nothing;  // sudoers
    if (ends_in_secret(name.whole) || ends_in_secret(last) || ends_in_secret(before + last) ||
        is_one_of(secret_parts, last)) {
        return Names::secret;
    }
    if (last == "code") return is_one_of(secret_codes, before) ? Names::secret : Names::nothing;
    if (last == "key" && (is_one_of(public_keys, before) || before.ends_with("public"))) return Names::nothing;
    if (name.whole == "key") return Names::bare_key;
    if (last == "token" && (before == "key" || name.whole.starts_with("publickey"))) return Names::nothing;
    if (is_one_of(doubtful_parts, last)) return Names::doubtful;
    if (last.ends_with("token") || last.ends_with("pwd")) return Names::doubtful;
    constexpr std::array<std::string_view, 4> other_words = {"bypass", "compass", "surpass", "trespass"};
    return last.ends_with("pass") && !is_one_of(other_words, last) ? Names::doubtful : Names::nothing;
}

bool is_code(std::string_view value) {
    if (value.starts_with('-') || value.starts_with('+')) value.remove_prefix(1);
    if (value.starts_with("0x") || value.starts_with("0X")) return value.size() <= 18;
    return value.size() <= 10 && std::ranges::all_of(value, is_digit);
}

/// Returns true if a value can be a token or key: it is not a word, number, path or sentence.
bool looks_secret(std::string_view value) {
    if (value.size() < 8 || is_code(value) || value.find('/') == 0 || value.find('\\') != value.npos) return false;
    if (value.find(' ') != value.npos) return false;
    const bool has_digit = std::ranges::any_of(value, is_digit);
    const bool has_lower = std::ranges::any_of(value, is_lower);
    const bool has_upper = std::ranges::any_of(value, is_upper);
    return has_digit ? has_lower || has_upper || value.size() > 10 : has_lower && has_upper && value.size() >= 16;
}

bool stands_for_nothing(std::string_view value) {
    constexpr std::array<std::string_view, 12> words = {"",     "null",  "none", "None", "true",      "false",
                                                        "True", "False", "yes",  "no",   "undefined", "REDACTED"};
    return is_one_of(words, value);
}

/// Reads names and the text after them, from one place to the end.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::optional<Secret> find(std::size_t from) {
        while (true) {
            const auto name = next_name(from);
            if (!name) return std::nullopt;
            from = name->end;
            if (auto secret = value_of(*name)) return secret;
        }
    }

private:
    struct Found {
        std::size_t begin;
        std::size_t end;
    };

    bool is_name(char c) const { return is_word(c) || c == '_' || c == '-' || c == '.' || c == '$'; }
    char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

    std::optional<Found> next_name(std::size_t from) const {
        while (from < text_.size() && !is_name(text_[from])) ++from;
        if (from >= text_.size()) return std::nullopt;
        auto end = from;
        while (end < text_.size() && is_name(text_[end])) ++end;
        return Found{from, end};
    }

    std::size_t skip(std::size_t place, std::string_view characters) const {
        return std::min(text_.find_first_not_of(characters, place), text_.size());
    }
    std::size_t up_to(std::size_t place, std::string_view characters) const {
        return std::min(text_.find_first_of(characters, place), text_.size());
    }
    std::size_t line_end(std::size_t place) const { return up_to(place, std::string_view("\r\n\0", 3)); }

    std::optional<Secret> value_of(const Found& name) const {
        constexpr std::size_t longest_name = 100;
        const auto full = text_.substr(name.begin, name.end - name.begin);
        const auto text = full.substr(full.size() - std::min(full.size(), longest_name));
        const bool in_query = name.begin > 0 && (text_[name.begin - 1] == '?' || text_[name.begin - 1] == '&');
        const bool is_option = text.starts_with('-');
        const auto meaning = text == "code" && (in_query || text_.substr(0, name.begin).ends_with("%26"))
                                 ? Names::doubtful
                             : in_query && is_one_of(signing_parameters, text) ? Names::bare_key
                                                                               : meaning_of(text);
        if (meaning == Names::nothing) return std::nullopt;

        auto place = name.end;
        // <Password>...</Password>
        if (name.begin > 0 && text_[name.begin - 1] == '<' && at(place) == '>') {
            return secret_in(place + 1, up_to(place + 1, "<"), meaning == Names::secret);
        }
        const auto closing = skip(place, "\\");
        const bool is_quoted = at(closing) == '"' || at(closing) == '\'';
        if (is_quoted) place = closing + 1;
        const auto after_blanks = skip(place, " \t");
        if (text_.substr(place, 2) == "%3" && (at(place + 2) == 'D' || at(place + 2) == 'd')) {
            return assigned(name, meaning, place + 3, true, true);
        }
        if (text_.substr(place, 4) == "%253" && (at(place + 4) == 'D' || at(place + 4) == 'd')) {
            return assigned(name, meaning, place + 5, true, true);
        }
        if (is_quoted) {
            if (const auto value = member_value(place)) return assigned(name, meaning, *value, false, true);
        }
        if (at(after_blanks) == '=' && at(after_blanks + 1) == '>') {
            return told(meaning, skip(after_blanks + 2, " \t"), is_quoted);
        }
        if (at(after_blanks) == '=' && at(after_blanks + 1) != '=') {
            // "a = b" is an assignment in a configuration file
            const auto begin = skip(after_blanks + 1, " \t");
            return assigned(name, meaning, begin, in_query, after_blanks == place || is_option);
        }
        if (at(after_blanks) == ':' && at(after_blanks + 1) != ':') {
            const auto begin = skip(after_blanks + 1, is_quoted ? " \t\r\n" : " \t");
            return told(meaning, begin, is_quoted);
        }
        // --password X, and in the words of a list 'X', 'Y'
        if (is_option) {
            auto begin = skip(place, is_quoted ? " \t," : " \t");
            if (begin == place) return std::nullopt;
            const bool opens = at(skip(begin, "\\")) == '"' || at(skip(begin, "\\")) == '\'';
            if (opens) return quoted(skip(begin, "\\") + 1);
            if (at(begin) == '-' || is_line_end(at(begin)) || text.size() < 3) return std::nullopt;
            return secret_in(begin, up_to(begin, std::string_view(" \t\r\n\"'<>\0", 9)), true);
        }
        return std::nullopt;
    }

    /// Returns the place of the value where the name is itself a value: {"name": "password", "value": "..."},
    /// key="password" value="...".
    std::optional<std::size_t> member_value(std::size_t after_name) const {
        const auto begin = skip(after_name, " \t,\\\"'");
        if (begin == after_name || !boost::istarts_with(text_.substr(begin, 5), "value")) return std::nullopt;
        const auto sign = skip(begin + 5, "\\\"' \t");
        if (at(sign) != ':' && at(sign) != '=') return std::nullopt;
        const auto value = skip(sign + 1, " \t");
        const auto mark = skip(value, "\\");
        return at(mark) == '"' || at(mark) == '\'' ? std::optional(value) : std::nullopt;
    }

    /// name=value
    std::optional<Secret> assigned(const Found& name, Names meaning, std::size_t begin, bool in_query,
                                   bool is_certain) const {
        const auto mark = skip(begin, "\\");
        if (at(mark) == '"' || at(mark) == '\'') {
            return meaning == Names::bare_key ? std::nullopt : quoted(mark + 1);
        }
        if (meaning == Names::whole_line) return secret_in(begin, line_end(begin), true);
        if (meaning == Names::header) return secret_in(begin, up_to(begin, ";\"'\r\n"), true);
        auto end = up_to(begin, in_query ? std::string_view("&;\"' \t\r\n<>\\#") : std::string_view("&;\"' \t\r\n<>"));
        end = begin + std::min(text_.substr(begin, end - begin).find("%26"), end - begin);
        const auto value = text_.substr(begin, end - begin);
        // PWD=/root is where a shell is
        const auto word = text_.substr(name.begin, name.end - name.begin);
        if ((word == "PWD" || word == "OLDPWD") && value.starts_with('/')) return std::nullopt;
        if (meaning == Names::bare_key && !looks_secret(value)) return std::nullopt;
        if (meaning == Names::doubtful && (is_code(value) || !(is_certain || looks_secret(value)))) return std::nullopt;
        return secret_in(begin, end, true);
    }

    /// Skips "Basic" and similar words: they say what kind of secret follows, and are not secrets.
    std::size_t behind_scheme(std::size_t begin) const {
        constexpr std::array<std::string_view, 7> schemes = {"basic ",     "bearer ",        "digest ", "negotiate ",
                                                             "sharedkey ", "sharedkeylite ", "ntlm "};
        const auto rest = text_.substr(begin);
        const auto* const found = std::ranges::find_if(
            schemes, [&](auto scheme) { return boost::istarts_with(rest, scheme) && rest.size() > scheme.size(); });
        return found == schemes.end() ? begin : skip(begin + found->size(), " \t");
    }

    /// name: value
    std::optional<Secret> told(Names meaning, std::size_t begin, bool is_member) const {
        if (meaning == Names::bare_key) return std::nullopt;
        const auto mark = skip(begin, "\\");
        // Python's u'...' and b'...'
        const bool prefixed = (at(mark) == 'u' || at(mark) == 'b') && (at(mark + 1) == '\'' || at(mark + 1) == '"');
        const auto quote = prefixed ? mark + 1 : mark;
        if (meaning == Names::header) {
            begin = behind_scheme(begin);
            if (is_member && (at(quote) == '"' || at(quote) == '\'')) return quoted(quote + 1);
            return secret_in(begin, up_to(begin, std::string_view("\"'\r\n\0", 5)), true);
        }
        if (at(quote) == '"' || at(quote) == '\'') {
            const auto end = end_of_string(text_, quote + 1);
            const auto value = text_.substr(quote + 1, end - quote - 1);
            // In prose a quoted word is no value: invalid token: '<', KeyError of key: 'name'
            if (meaning == Names::doubtful && !is_member && !looks_secret(value)) return std::nullopt;
            if (meaning == Names::doubtful && is_code(value)) return std::nullopt;
            return quoted(quote + 1);
        }
        if (is_member) {
            const auto end = up_to(begin, ",}] \t\r\n");
            const auto value = text_.substr(begin, end - begin);
            const bool is_nested = value.starts_with('{') || value.starts_with('[');
            if (is_nested || meaning == Names::doubtful) return std::nullopt;
            return secret_in(begin, end, true);
        }
        if (meaning == Names::secret || meaning == Names::whole_line) return secret_in(begin, line_end(begin), true);
        const auto end = up_to(begin, std::string_view(" \t\r\n\"',;<>)\0", 12));
        return looks_secret(text_.substr(begin, end - begin)) ? secret_in(begin, end, true) : std::nullopt;
    }

    std::optional<Secret> quoted(std::size_t begin) const {
        return secret_in(begin, end_of_string(text_, begin), true);
    }

    std::optional<Secret> secret_in(std::size_t begin, std::size_t end, bool whatever) const {
        const auto value = text_.substr(begin, end - begin);
        if (stands_for_nothing(value) || (!whatever && !looks_secret(value))) return std::nullopt;
        return Secret{begin, end, end};
    }

    std::string_view text_;
};

std::string without_named(std::string_view text) {
    Reader reader(text);
    return replace_each(text, [&](std::size_t from) { return reader.find(from); });
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

/// Redacts the password of "http://name:password@host", and the token of "https://token@host".
std::string without_url_passwords(std::string_view text) {
    constexpr std::string_view scheme_end = "://";
    return replace_each(text, [&](std::size_t from) -> std::optional<Secret> {
        for (auto at = text.find(scheme_end, from); at != text.npos; at = text.find(scheme_end, at)) {
            at += scheme_end.size();
            const auto authority = text.substr(at, text.find_first_of("/?# \t\r\n\"'<>", at) - at);
            const auto host = authority.rfind('@');
            if (host == authority.npos) continue;
            const auto colon = authority.find(':');
            if (colon < host) {
                if (authority.substr(colon + 1, host - colon - 1) == replacement) continue;
                return Secret{at + colon + 1, at + host, at + host};
            }
            // A user's name alone: git@, backup@.
            const auto user = authority.substr(0, host);
            if (user.size() <= 12 && std::ranges::all_of(user, is_lower)) continue;
            if (user != replacement) return Secret{at, at + host, at + host};
        }
        return std::nullopt;
    });
}

/// Redacts values that are recognizable as secrets by their form: "Bearer ...", "Basic ...", JSON web tokens, and
/// tokens of services that begin with a fixed word.
std::string without_known_forms(std::string_view text) {
    constexpr std::array<std::string_view, 13> heads = {"Bearer ", "bearer ", "Basic ", "SharedKey ", "SharedKeyLite ",
                                                        "eyJ",     "ghp_",    "gho_",   "ghs_",       "github_pat_",
                                                        "glpat-",  "xoxb-",   "xoxp-"};
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-.:~";
    constexpr std::size_t shortest = 12;
    return replace_each(text, [&](std::size_t from) -> std::optional<Secret> {
        for (auto at = text.find_first_of("BbSegx", from); at != text.npos; at = text.find_first_of("BbSegx", at + 1)) {
            if (at > 0 && is_word(text[at - 1])) continue;
            const auto rest = text.substr(at);
            const auto* const head = std::ranges::find_if(heads, [&](auto one) { return rest.starts_with(one); });
            if (head == heads.end()) continue;
            const auto begin = head->ends_with(' ') ? at + head->size() : at;
            const auto end = std::min(text.find_first_not_of(alphabet, begin), text.size());
            const auto value = text.substr(begin, end - begin);
            if (value.size() < shortest || !looks_secret(value)) continue;
            // A web token has three parts; other JSON in base64 is no secret.
            if (*head == "eyJ" && std::ranges::count(value, '.') < 2) continue;
            return Secret{begin, end, end};
        }
        return std::nullopt;
    });
}

/// Options of one letter that take a password, in these programs: "sshpass -p X", "mysql -pX".
struct ShortOption {
    std::string_view program;
    std::string_view option;
    bool glued;          ///< the value may follow the option without a blank
    bool after_a_colon;  ///< only the text after ':' or '%' in the value is secret: "-u name:password"
};
constexpr ShortOption short_options[] = {{"sshpass", "-p", true, false},
                                         {"mysql", "-p", true, false},
                                         {"mariadb", "-p", true, false},
                                         {"mysqldump", "-p", true, false},
                                         {"mysqladmin", "-p", true, false},
                                         {"mariadb-dump", "-p", true, false},
                                         {"redis-cli", "-a", false, false},
                                         {"mongo", "-p", true, false},
                                         {"mongosh", "-p", false, false},
                                         {"mongodump", "-p", false, false},
                                         {"sqlcmd", "-P", true, false},
                                         {"bcp", "-P", true, false},
                                         {"isql", "-P", true, false},
                                         {"osql", "-P", true, false},
                                         {"curl", "-u", true, true},
                                         {"curl", "--user", false, true},
                                         {"curl", "--proxy-user", false, true},
                                         {"smbclient", "-U", false, true},
                                         {"ldapsearch", "-w", true, false},
                                         {"ldapmodify", "-w", true, false},
                                         {"7z", "-p", true, false},
                                         {"7za", "-p", true, false},
                                         {"zip", "-P", false, false},
                                         {"unzip", "-P", true, false},
                                         {"docker", "-p", false, false},
                                         {"az", "-p", false, false},
                                         {"plink", "-pw", false, false},
                                         {"net", "/user", false, false},
                                         {"zabbix_sender", "-k", false, false},
                                         {"ipmitool", "-P", true, false}};

/// Redacts the values of short options. Each line has the options of the program that one of its words names.
std::string without_short_options(std::string_view text) {
    // Words of an argument vector are separated by blanks, or by quotes and commas where it was printed as a list.
    constexpr std::string_view between(" \t\"',[]\r\n\0", 10);
    std::vector<const ShortOption*> known;
    bool next_is_secret = false;
    bool after_a_colon = false;
    return replace_each(text, [&](std::size_t from) -> std::optional<Secret> {
        while (true) {
            const auto begin = text.find_first_not_of(between, from);
            if (begin == text.npos) return std::nullopt;
            if (text.substr(from, begin - from).find('\n') != text.npos) {
                known.clear();
                next_is_secret = false;
            }
            const auto end = std::min(text.find_first_of(between, begin), text.size());
            const auto word = text.substr(begin, end - begin);
            from = end;
            const auto secret = [&](std::size_t start) -> std::optional<Secret> {
                if (after_a_colon) {
                    const auto colon = text.substr(start, end - start).find_first_of(":%");
                    if (colon == text.npos) return std::nullopt;
                    start += colon + 1;
                }
                if (start >= end || text.substr(start, end - start) == replacement) return std::nullopt;
                return Secret{start, end, end};
            };
            if (next_is_secret) {
                next_is_secret = false;
                if (word.starts_with('-')) continue;
                if (const auto found = secret(begin)) return found;
                continue;
            }
            const auto program = word.substr(word.find_last_of("/\\") + 1);
            if (!word.starts_with('-')) {
                for (const auto& option : short_options) {
                    if (option.program == program) known.push_back(&option);
                }
                continue;
            }
            for (const auto* option : known) {
                if (!word.starts_with(option->option)) continue;
                after_a_colon = option->after_a_colon;
                if (word.size() == option->option.size()) {
                    next_is_secret = true;
                } else if (option->glued) {
                    if (const auto found = secret(begin + option->option.size())) return found;
                }
                break;
            }
        }
    });
}

}  // namespace

std::string redact(std::string_view text) {
    // Known forms first, because a redaction by name removes more of a line than its secret.
    return without_private_keys(without_short_options(without_named(without_known_forms(without_url_passwords(text)))));
}

std::vector<std::string> redact_words(const std::vector<std::string>& words) {
    // A word is judged behind the programs that the line begins with, and its value behind it.
    constexpr std::string_view value_for_a_try = " x1Y2z3W4v5U6";
    constexpr std::size_t most_programs = 4;
    std::string programs;
    std::size_t known = 0;
    std::vector<std::string> redacted;
    bool is_value = false;
    for (const auto& word : words) {
        if (is_value && !word.starts_with('-')) {
            redacted.emplace_back(replacement);
            is_value = false;
            continue;
        }
        auto line = redact(programs + word);
        redacted.push_back(line.starts_with(programs) ? line.substr(programs.size()) : redact(word));
        is_value =
            word.starts_with('-') && redact(programs + word + std::string(value_for_a_try)).ends_with(replacement);
        const auto name = std::string_view(word).substr(word.find_last_of("/\\") + 1);
        // "DB_PASSWORD=" is no program, and would take the option behind it for its value.
        const bool can_be_program = !word.starts_with('-') && std::ranges::all_of(name, [](char c) {
            return is_word(c) || c == '.' || c == '_' || c == '+' || c == '-';
        });
        if (can_be_program && known < most_programs) {
            programs.append(name).push_back(' ');
            ++known;
        }
    }
    return redacted;
}

bool is_secret_file(std::string_view path) {
    return std::ranges::any_of(std::initializer_list<std::string_view>{".prv", ".pem", ".pfx", ".p12", ".key", ".crd"},
                               [&](auto ending) { return boost::iends_with(path, ending); });
}

}  // namespace machine::recorded

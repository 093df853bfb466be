#include "remediations/machine/security_descriptor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

namespace machine {

namespace {

constexpr std::size_t longest_text = std::size_t{1} << 20;
constexpr std::size_t most_sub_authorities = 15;

struct Abbreviation {
    std::string_view letters;
    std::string_view sid;
};

/// The two letters of sddl.h for SIDs that are the same on every computer.
constexpr Abbreviation well_known_sids[] = {
    {"AA", "S-1-5-32-579"},
    {"AC", "S-1-15-2-1"},
    {"AN", "S-1-5-7"},
    {"AO", "S-1-5-32-548"},
    {"AS", "S-1-18-1"},
    {"AU", "S-1-5-11"},
    {"BA", "S-1-5-32-544"},
    {"BG", "S-1-5-32-546"},
    {"BO", "S-1-5-32-551"},
    {"BU", "S-1-5-32-545"},
    {"CD", "S-1-5-32-574"},
    {"CG", "S-1-3-1"},
    {"CO", "S-1-3-0"},
    {"CY", "S-1-5-32-569"},
    {"ED", "S-1-5-9"},
    {"ER", "S-1-5-32-573"},
    {"ES", "S-1-5-32-576"},
    {"HA", "S-1-5-32-578"},
    {"HI", "S-1-16-12288"},
    {"IS", "S-1-5-32-568"},
    {"IU", "S-1-5-4"},
    {"LS", "S-1-5-19"},
    {"LU", "S-1-5-32-559"},
    {"LW", "S-1-16-4096"},
    {"ME", "S-1-16-8192"},
    {"MP", "S-1-16-8448"},
    {"MS", "S-1-5-32-577"},
    {"MU", "S-1-5-32-558"},
    {"NO", "S-1-5-32-556"},
    {"NS", "S-1-5-20"},
    {"NU", "S-1-5-2"},
    {"OW", "S-1-3-4"},
    {"PO", "S-1-5-32-550"},
    {"PS", "S-1-5-10"},
    {"PU", "S-1-5-32-547"},
    {"RA", "S-1-5-32-575"},
    {"RC", "S-1-5-12"},
    {"RD", "S-1-5-32-555"},
    {"RE", "S-1-5-32-552"},
    {"RM", "S-1-5-32-580"},
    {"RU", "S-1-5-32-554"},
    {"SI", "S-1-16-16384"},
    {"SO", "S-1-5-32-549"},
    {"SS", "S-1-18-2"},
    {"SU", "S-1-5-6"},
    {"SY", "S-1-5-18"},
    {"UD", "S-1-5-84-0-0-0-0-0"},
    {"WD", "S-1-1-0"},
    {"WR", "S-1-5-33"},
};

/// The letters for accounts and groups of the computer's domain (LA and LG: of the computer).
constexpr std::string_view domain_accounts[] = {"AP", "CA", "CN", "DA", "DC", "DD", "DG", "DU", "EA",
                                                "EK", "KA", "LA", "LG", "PA", "RO", "RS", "SA"};

struct Bits {
    std::string_view letters;
    std::uint32_t value;
};

constexpr Bits rights[] = {
    {"GA", 0x10000000}, {"GX", 0x20000000}, {"GW", 0x40000000},
    {"GR", 0x80000000}, {"RC", 0x20000},    {"SD", 0x10000},
    {"WD", 0x40000},    {"WO", 0x80000},    {"CC", 0x1},
    {"DC", 0x2},        {"LC", 0x4},        {"SW", 0x8},
    {"RP", 0x10},       {"WP", 0x20},       {"DT", 0x40},
    {"LO", 0x80},       {"CR", 0x100},      {"FA", file_all_access},
    {"FR", file_read},  {"FW", file_write}, {"FX", file_execute},
    {"KA", 0xF003F},    {"KR", 0x20019},    {"KW", 0x20006},
    {"KX", 0x20019},
};

constexpr Bits entry_flags[] = {
    {"OI", inherited_by_files},
    {"CI", inherited_by_folders},
    {"NP", inherited_once},
    {"IO", for_inheritors_only},
    {"ID", inherited},
    {"CR", 0x20},
    {"SA", 0x40},
    {"FA", 0x80},
};

/// Thrown only inside parse_security_descriptor(), which returns its error.
struct Malformed {
    std::size_t position;
    std::string expected;
};

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    SecurityDescriptor parse() {
        SecurityDescriptor descriptor;
        std::string_view seen;
        constexpr std::string_view order = "OGDS";
        while (at_ < text_.size()) {
            const char part = text_[at_];
            if (order.find(part) == order.npos || text_.substr(at_ + 1, 1) != ":") fail("O:, G:, D: or S:");
            if (!seen.empty() && order.find(part) <= order.find(seen.back())) {
                fail("each of O:, G:, D: and S: once, in this order");
            }
            seen = order.substr(0, order.find(part) + 1);
            at_ += 2;
            if (part == 'S') break;
            if (part == 'D') {
                access_list(descriptor);
            } else {
                (part == 'O' ? descriptor.owner : descriptor.group) = sid(trustee());
            }
        }
        return descriptor;
    }

private:
    [[noreturn]] void fail(std::string expected) const { throw Malformed{at_, std::move(expected)}; }

    bool take(std::string_view word) {
        if (!text_.substr(at_).starts_with(word)) return false;
        at_ += word.size();
        return true;
    }

    /// Returns the text of an owner or group: up to the letter before the next colon, which begins the next part.
    std::string_view trustee() const {
        const auto colon = text_.find(':', at_);
        const auto end = colon == text_.npos ? text_.size() : std::max(colon - 1, at_);
        return text_.substr(at_, end - at_);
    }

    /// Reads the SID at the current position and moves behind it.
    std::string sid(std::string_view word) {
        const auto known = std::ranges::find(well_known_sids, word, &Abbreviation::letters);
        std::string found;
        if (known != std::end(well_known_sids)) {
            found = known->sid;
        } else if (std::ranges::find(domain_accounts, word) != std::end(domain_accounts) || is_sid(word)) {
            found = word;
        } else {
            fail("a SID or its two letters");
        }
        at_ += word.size();
        return found;
    }

    static bool is_sid(std::string_view word) {
        if (!word.starts_with("S-1-")) return false;
        word.remove_prefix(4);
        std::size_t numbers = 0;
        for (;; ++numbers) {
            std::uint64_t number = 0;
            const bool is_hexadecimal = numbers == 0 && word.starts_with("0x");  // an authority beyond 32 bits
            if (is_hexadecimal) word.remove_prefix(2);
            const auto [end, error] =
                std::from_chars(word.data(), word.data() + word.size(), number, is_hexadecimal ? 16 : 10);
            const std::uint64_t largest = is_hexadecimal ? 0xFFFF'FFFF'FFFF : 0xFFFF'FFFF;
            if (error != std::errc() || number > largest) return false;
            word.remove_prefix(static_cast<std::size_t>(end - word.data()));
            if (word.empty()) break;
            if (!word.starts_with('-')) return false;
            word.remove_prefix(1);
        }
        return numbers >= 1 && numbers <= most_sub_authorities;
    }

    void access_list(SecurityDescriptor& descriptor) {
        descriptor.has_access_list = true;
        for (;;) {
            if (take("NO_ACCESS_CONTROL")) {
                descriptor.has_access_list = false;
            } else if (take("P")) {
                descriptor.is_protected = true;
            } else if (!take("AR") && !take("AI")) {
                break;
            }
        }
        while (text_.substr(at_, 1) == "(") descriptor.entries.push_back(entry());
    }

    /// Reads (type;flags;rights;object;inherited object;SID); some types have a condition after it.
    AccessEntry entry() {
        ++at_;
        AccessEntry result;
        const auto type = field(";");
        if (type.empty() || type.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != type.npos) {
            fail("the type of an entry");
        }
        result.type = type == "A" ? AccessType::allow : type == "D" ? AccessType::deny : AccessType::other;
        at_ += type.size() + 1;
        const auto flags = field(";");
        result.flags = static_cast<std::uint8_t>(bits(flags, entry_flags, "flags of an entry, as OICI"));
        at_ += flags.size() + 1;
        const auto mask = field(";");
        result.mask = access_mask(mask);
        at_ += mask.size() + 1;
        for (int guid = 0; guid < 2; ++guid) at_ += field(";").size() + 1;
        result.sid = sid(field(";)"));
        if (text_[at_] == ';') skip_condition();
        ++at_;
        return result;
    }

    /// Reads up to the next of `ends`, which is not consumed.
    std::string_view field(std::string_view ends) const {
        const auto end = text_.find_first_of(";()", at_);
        if (end == text_.npos || ends.find(text_[end]) == ends.npos) {
            throw Malformed{std::min(end, text_.size()),
                            ends == ";" ? "six fields with ; between them" : "the ) of an entry"};
        }
        return text_.substr(at_, end - at_);
    }

    std::uint32_t bits(std::string_view word, std::span<const Bits> names, const char* expected) const {
        std::uint32_t value = 0;
        for (; !word.empty(); word.remove_prefix(2)) {
            const auto found = std::ranges::find(names, word.substr(0, 2), &Bits::letters);
            if (found == names.end()) fail(expected);
            value |= found->value;
        }
        return value;
    }

    /// Parses letters, or a number as in C.
    std::uint32_t access_mask(std::string_view word) const {
        const bool is_number = !word.empty() && word.front() >= '0' && word.front() <= '9';
        if (!is_number) return bits(word, rights, "access rights, as FA or 0x1301bf");
        int base = 10;
        if (word.starts_with("0x")) {
            base = 16;
            word.remove_prefix(2);
        } else if (word.front() == '0') {
            base = 8;
        }
        std::uint32_t value = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
        if (error != std::errc() || end != word.data() + word.size()) fail("access rights, as FA or 0x1301bf");
        return value;
    }

    /// Skips to the parenthesis that ends the entry.
    void skip_condition() {
        int depth = 0;
        bool is_quoted = false;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') is_quoted = !is_quoted;
            if (is_quoted) continue;
            if (c == '(') ++depth;
            if (c == ')' && depth-- == 0) return;
        }
        fail("the ) of an entry");
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

std::uint32_t file_rights(std::uint32_t mask) {
    for (const auto& [generic, meaning] : {std::pair{0x10000000U, file_all_access},
                                           {0x20000000U, file_execute},
                                           {0x40000000U, file_write},
                                           {0x80000000U, file_read}}) {
        if ((mask & generic) != 0) mask = (mask & ~generic) | meaning;
    }
    return mask;
}

}  // namespace

Result<SecurityDescriptor> parse_security_descriptor(std::string_view sddl) {
    if (sddl.size() > longest_text) {
        return Error::too_large(
            fmt::format("security descriptor of {} bytes, expected at most {}", sddl.size(), longest_text));
    }
    try {
        return Parser(sddl).parse();
    } catch (const Malformed& malformed) {
        return Error::invalid(fmt::format("security descriptor: expected {} at character {}", malformed.expected,
                                          malformed.position + 1));
    }
}

bool same_file_security(const SecurityDescriptor& one, const SecurityDescriptor& other) {
    const auto plain = [](SecurityDescriptor descriptor) {
        for (auto& entry : descriptor.entries) entry.mask = file_rights(entry.mask);
        return descriptor;
    };
    return plain(one) == plain(other);
}

}  // namespace machine

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <charconv>

#include "remediations/knowledge/reasons/event_rows.hpp"
#include "remediations/knowledge/reasons/find_row.hpp"
#include "remediations/knowledge/reasons/meaning.hpp"
#include "remediations/knowledge/reasons/reasons_in.hpp"
#include "remediations/model/error_codes.hpp"

namespace remediations {

namespace {

/// At most a log line; nobody types more.
constexpr std::size_t longest_words = 4096;

/// Collects readings in the order in which they are found, each once.
class Readings {
public:
    void add(Reason reason) {
        auto meaning = meaning_of(reason);
        if (!meaning) return;
        if (reason.name.empty()) reason.name = meaning->name;
        auto what = description_of(reason);
        add(std::move(what), std::move(reason), std::move(*meaning));
    }
    void add(Reason::Kind kind, std::int64_t number) { add(Reason{kind, number, "", ""}); }
    void add(Reason::Kind kind, std::string name) { add(Reason{kind, 0, std::move(name), ""}); }

    void add_event(const EventRow& row) {
        const auto provider = shown_name(row.source);
        auto meaning = meaning_of_event(provider, row.id);
        if (meaning) add(fmt::format("event {} of {}", row.id, provider), std::nullopt, std::move(*meaning));
    }

    std::vector<Reading> take() { return std::move(all_); }
    bool empty() const { return all_.empty(); }

private:
    static std::string shown_name(EventSource source) {
        const auto names = event_source_names();
        const auto found = std::ranges::find(names, source, &EventSourceName::source);
        return std::string(found->name);
    }

    void add(std::string what, std::optional<Reason> reason, Meaning meaning) {
        const bool is_there = std::ranges::any_of(all_, [&](const Reading& each) { return each.what == what; });
        if (!is_there) all_.push_back({std::move(what), std::move(reason), std::move(meaning)});
    }

    std::vector<Reading> all_;
};

struct TypedNumber {
    std::uint64_t value = 0;
    bool is_negative = false;
    bool is_hexadecimal = false;
};

/// Parses a whole word as a number: "0x80042306", "80042306" with letters or a leading 8 or C, "-2147212794", "409",
/// "%%1058".
std::optional<TypedNumber> number_of(std::string_view word) {
    constexpr std::size_t digits_of_code = 8;
    constexpr std::string_view begins_code = "8cC";
    while (word.starts_with('%')) word.remove_prefix(1);
    TypedNumber number;
    if (word.starts_with('-')) {
        number.is_negative = true;
        word.remove_prefix(1);
    } else if (boost::istarts_with(word, "0x")) {
        number.is_hexadecimal = true;
        word.remove_prefix(2);
    } else if (word.size() == digits_of_code && begins_code.find(word.front()) != std::string_view::npos) {
        number.is_hexadecimal = true;
    }
    const auto parsed =
        std::from_chars(word.data(), word.data() + word.size(), number.value, number.is_hexadecimal ? 16 : 10);
    const bool is_whole = !word.empty() && parsed.ec == std::errc() && parsed.ptr == word.data() + word.size();
    return is_whole ? std::optional(number) : std::nullopt;
}

void read_windows_number(Readings& readings, std::uint64_t code) {
    constexpr std::uint64_t whole = 0x100000000;
    constexpr std::uint64_t wrapped_win32 = 0x8007;
    constexpr std::uint64_t wrapped_by_kernel = 0xC007;
    constexpr std::uint64_t half = 0xFFFF;
    if (code >= whole) return;
    const auto number = static_cast<std::int64_t>(code);
    if (code >> 16 == wrapped_win32 || code >> 16 == wrapped_by_kernel) {
        readings.add(Reason::Kind::win32, static_cast<std::int64_t>(code & half));
        return;
    }
    readings.add(Reason::Kind::hresult, number);
    readings.add(Reason::Kind::ntstatus, number);
    if (code <= half) readings.add(Reason::Kind::win32, number);
}

void read_plain_number(Readings& readings, std::int64_t number) {
    using enum Reason::Kind;
    constexpr std::int64_t usual_exit_code = 126;
    constexpr std::int64_t first_job_code = 100000;
    if (find_number(http_rows(), number) != nullptr) readings.add(http, number);
    readings.add(agent_code, number);
    readings.add(extension_code, number);
    if (number >= first_job_code) readings.add(job_code, number);
    if (number >= usual_exit_code || find_number(exit_code_rows(), number) != nullptr) readings.add(exit_code, number);
    readings.add(errno_value, number);
    readings.add(win32, number);
    readings.add(sql, number);
    readings.add(signal, number);
}

void read_events(Readings& readings, std::string_view provider, std::uint64_t id) {
    for (const auto& row : event_rows()) {
        if (row.id != id) continue;
        if (provider.empty()) {
            readings.add_event(row);
            continue;
        }
        const bool is_of_instance = boost::istarts_with(provider, "MSSQL$") && row.source == EventSource::sql_server;
        const bool is_named = std::ranges::any_of(event_source_names(), [&](const EventSourceName& each) {
            return each.source == row.source && boost::iequals(each.name, provider);
        });
        if (is_named || is_of_instance) readings.add_event(row);
    }
}

struct KindLabel {
    std::string_view label;
    Reason::Kind kind;
};
constexpr KindLabel kind_labels[] = {
    {"http", Reason::Kind::http},
    {"http status", Reason::Kind::http},
    {"http status code", Reason::Kind::http},
    {"http error", Reason::Kind::http},
    {"status code", Reason::Kind::http},
    {"status", Reason::Kind::http},
    {"exit", Reason::Kind::exit_code},
    {"exit code", Reason::Kind::exit_code},
    {"exit status", Reason::Kind::exit_code},
    {"return code", Reason::Kind::exit_code},
    {"returncode", Reason::Kind::exit_code},
    {"rc", Reason::Kind::exit_code},
    {"signal", Reason::Kind::signal},
    {"killed by signal", Reason::Kind::signal},
    {"sql", Reason::Kind::sql},
    {"sql error", Reason::Kind::sql},
    {"sql server", Reason::Kind::sql},
    {"sql server error", Reason::Kind::sql},
    {"native error", Reason::Kind::sql},
    {"msg", Reason::Kind::sql},
    {"errno", Reason::Kind::errno_value},
    {"linux", Reason::Kind::errno_value},
    {"linux error", Reason::Kind::errno_value},
    {"error", Reason::Kind::win32},
    {"error code", Reason::Kind::win32},
    {"system error", Reason::Kind::win32},
    {"win32", Reason::Kind::win32},
    {"win32 error", Reason::Kind::win32},
    {"winerror", Reason::Kind::win32},
    {"windows", Reason::Kind::win32},
    {"windows error", Reason::Kind::win32},
    {"agent", Reason::Kind::agent_code},
    {"guest agent", Reason::Kind::agent_code},
    {"extension", Reason::Kind::extension_code},
    {"result", Reason::Kind::extension_code},
    {"job", Reason::Kind::job_code},
    {"backup job", Reason::Kind::job_code},
};

/// Reads "HTTP 409", "exit code 127", "event 8193", "VSS 12366": the words before the number say what it is.
void read_labelled(Readings& readings, std::string label, const TypedNumber& typed) {
    const auto number =
        typed.is_negative ? -static_cast<std::int64_t>(typed.value) : static_cast<std::int64_t>(typed.value);
    // "event VSS 12366" and "VSS event 12366" are "VSS 12366".
    const bool is_event =
        boost::starts_with(label, "event") || boost::ends_with(label, "event") || boost::ends_with(label, "event id");
    for (const std::string_view word : {"event id ", " event id", "event id", "event ", " event", "event"}) {
        if (label.starts_with(word)) label.erase(0, word.size());
        if (label.ends_with(word)) label.erase(label.size() - word.size());
    }
    if (!is_event) {
        const auto found = std::ranges::find(kind_labels, label, &KindLabel::label);
        if (found != std::end(kind_labels)) readings.add(found->kind, number);
        // Words that people put before a number of any kind.
        if (label == "code" || label == "error" || label == "error code") read_plain_number(readings, number);
        if (label.starts_with("sql")) label = "mssqlserver";
    }
    if (is_event || std::ranges::find(kind_labels, label, &KindLabel::label) == std::end(kind_labels)) {
        read_events(readings, label, typed.value);
    }
}

void read_name(Readings& readings, std::string_view word) {
    using enum Reason::Kind;
    const auto add_number = [&](Reason::Kind kind, const auto* row) {
        if (row != nullptr) readings.add(kind, static_cast<std::int64_t>(row->number));
    };
    const auto add_name = [&](Reason::Kind kind, const NameRow* row) {
        if (row != nullptr) readings.add(kind, std::string(row->name));
    };
    add_number(errno_value, find_symbol(errno_rows(), word, true));
    add_number(win32, find_symbol(win32_rows(), word, true));
    add_number(win32, find_symbol(win32_other_names(), word, true));
    add_number(hresult, find_symbol(hresult_rows(), word, true));
    add_number(ntstatus, find_symbol(nt_status_rows(), word, true));
    add_number(signal, find_symbol(signal_rows(), word, true));
    add_number(signal, find_symbol(signal_rows(), "SIG" + std::string(word), true));
    add_number(http, find_symbol(http_rows(), word, true));
    add_number(exit_code, find_symbol(exit_code_rows(), word, true));
    add_number(extension_code, find_symbol(extension_rows(), word, true));
    add_number(agent_code, find_symbol(agent_rows(), word, true));
    add_name(http, find_symbol(service_code_rows(), word, true));
    const auto dot = word.rfind('.');
    const auto last = dot == std::string_view::npos ? word : word.substr(dot + 1);
    add_name(python, find_symbol(python_rows(), last, true));
    add_name(dotnet, find_symbol(dotnet_rows(), last, true));
    auto openssl_words = boost::to_lower_copy(std::string(word));
    std::ranges::replace(openssl_words, '_', ' ');
    add_name(openssl, find_name(openssl_rows(), openssl_words));
    const bool is_number = std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
    const auto* code = is_number ? nullptr : find_error_code(word);
    if (code != nullptr && code->origin != CodeOrigin::linux_extension && code->origin != CodeOrigin::guest_agent) {
        readings.add(job_code, std::string(word));
    }
}

}  // namespace

std::vector<Reading> explain_reason(std::string_view words) {
    auto text = boost::trim_copy(std::string(words.substr(0, longest_words)));
    Readings readings;
    if (text.empty()) return {};
    read_name(readings, text);
    const auto last_blank = text.find_last_of(" :=#");
    const auto last = last_blank == std::string::npos ? text : text.substr(last_blank + 1);
    if (const auto number = number_of(last)) {
        const bool is_alone = last_blank == std::string::npos;
        auto label =
            is_alone ? std::string() : boost::trim_copy_if(text.substr(0, last_blank), boost::is_any_of(" :=#"));
        boost::to_lower(label);
        constexpr std::uint64_t whole = 0x100000000;
        constexpr std::uint64_t large = 0x80000000;
        const bool is_code = number->is_hexadecimal || number->value >= large / 2;
        if (is_code) {
            read_windows_number(readings, number->is_negative ? whole - number->value : number->value);
        } else if (!is_alone) {
            read_labelled(readings, std::move(label), *number);
        } else if (number->is_negative) {
            const auto value = static_cast<std::int64_t>(number->value);
            readings.add(Reason::Kind::errno_value, -value);
            readings.add(Reason::Kind::errno_value, value);
            readings.add(Reason::Kind::signal, value);
            readings.add(Reason::Kind::sql, -value);
        } else {
            read_plain_number(readings, static_cast<std::int64_t>(number->value));
            read_events(readings, "", number->value);
        }
    }
    if (readings.empty()) {
        for (auto& reason : reasons_in(text)) readings.add(std::move(reason));
    }
    return readings.take();
}

}  // namespace remediations

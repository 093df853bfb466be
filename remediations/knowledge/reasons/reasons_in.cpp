#include "remediations/knowledge/reasons/reasons_in.hpp"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/replace.hpp>

#include "remediations/knowledge/reasons/find_row.hpp"
#include "remediations/knowledge/reasons/line_words.hpp"
#include "remediations/model/error_codes.hpp"

namespace remediations {

namespace {

using Kind = Reason::Kind;

constexpr std::size_t longest_line = 65536;
/// More than are returned, because later codes in a line count more than earlier ones.
constexpr std::size_t most_candidates = 48;
/// For the names in one line, because each costs a search in the tables.
constexpr unsigned most_look_ups = 256;

constexpr std::uint64_t severity = 0x80000000;
constexpr std::uint64_t half = 0xFFFF;

/// The distance of a reason from the cause: of several in a line, the lowest decides.
enum class Depth { cause, exception, envelope, wrapper };

/// HRESULTs that only say that something failed; another code has the reason.
constexpr std::int64_t vague_hresults[] = {
    0x8000FFFF, 0x80004004, 0x80004005, 0x80020009, 0x80040E14, 0x80040E21, 0x80042301, 0x80042302,
    0x80042306, 0x8004230F, 0x800423F3, 0x800423F4, 0x80131500, 0x80131501, 0x80131509,
};
constexpr std::int64_t vague_results[] = {2, 12, 15, 76, 558, 761};
constexpr std::string_view vague_exceptions[] = {
    "Exception",
    "OSError",
    "IOError",
    "RuntimeError",
    "ConnectionError",
    "URLError",
    "HTTPError",
    "COMException",
    "SEHException",
    "Win32Exception",
    "SocketException",
    "WebException",
    "IOException",
    "CommandError",
    "ExternalException",
    "AggregateException",
    "TargetInvocationException",
    "HttpRequestException",
    "CalledProcessError",
};
/// Results of good runs: success, a repeated request, a snapshot that still runs, no scripts configured.
constexpr std::int64_t no_failures[] = {0, 1, 3, 4, 316};
constexpr std::int64_t backup_ended = 3013;  ///< SQL Server's last message after any error
constexpr std::int64_t cannot_run = 126;
constexpr std::int64_t not_found = 127;
constexpr std::int64_t first_of_systemd = 200;
constexpr std::int64_t last_of_systemd = 245;

template <typename Set>
bool is_among(const Set& set, const auto& value) {
    return std::ranges::find(set, value) != std::end(set);
}

std::string_view last_part(std::string_view name) {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

Depth depth_of(const Reason& reason) {
    switch (reason.kind) {
        case Kind::hresult:
            return is_among(vague_hresults, reason.number) ? Depth::exception : Depth::cause;
        case Kind::exit_code: {
            const bool tells = reason.number == cannot_run || reason.number == not_found ||
                               (reason.number >= first_of_systemd && reason.number <= last_of_systemd);
            return tells ? Depth::cause : Depth::envelope;
        }
        case Kind::sql:
            return reason.number == backup_ended ? Depth::envelope : Depth::cause;
        case Kind::python:
        case Kind::dotnet: {
            const auto name = last_part(reason.name);
            const bool is_vague = is_among(vague_exceptions, name);
            return is_vague ? Depth::envelope : Depth::exception;
        }
        case Kind::extension_code:
            return is_among(vague_results, reason.number) ? Depth::envelope : Depth::exception;
        case Kind::job_code:
            return Depth::exception;
        case Kind::agent_code:
            return Depth::wrapper;
        default:
            return Depth::cause;
    }
}

struct Found {
    Reason reason;
    std::size_t position = 0;
    Depth depth = Depth::cause;
};

/// Returns true if these words are at `position`, in upper or lower case.
bool continues_with(std::string_view line, std::size_t position, std::string_view text) {
    return line.size() - position >= text.size() && boost::iequals(line.substr(position, text.size()), text);
}

std::string normalized(std::string_view name) {
    return boost::replace_all_copy(boost::to_lower_copy(std::string(name)), "_", " ");
}

class ReasonScanner {
public:
    explicit ReasonScanner(std::string_view line) : line_(line) {}

    std::vector<Reason> scan() {
        for (std::size_t at = 0; at < line_.size();) at = step(at);
        std::ranges::stable_sort(found_, [](const Found& left, const Found& right) {
            return left.depth != right.depth ? left.depth < right.depth : left.position > right.position;
        });
        std::vector<Reason> reasons;
        for (auto& each : found_) {
            if (reasons.size() == most_reasons) break;
            reasons.push_back(std::move(each.reason));
        }
        return reasons;
    }

private:
    char at(std::size_t position) const { return position < line_.size() ? line_[position] : '\0'; }
    char before(std::size_t position, std::size_t back = 1) const {
        return position >= back ? line_[position - back] : '\0';
    }

    std::size_t step(std::size_t position);
    std::size_t read_number(std::size_t position);
    std::size_t read_word(std::size_t position);

    void read_windows_code(const NumberToken& token, const Label& label);
    bool read_http(const NumberToken& token, const Label& label);
    bool read_exit(const NumberToken& token, const Label& label);
    bool read_sql(const NumberToken& token, const Label& label);
    bool read_errno(const NumberToken& token, const Label& label);
    bool read_win32(const NumberToken& token, const Label& label);
    bool read_product_code(const NumberToken& token, const Label& label);

    std::size_t read_errno_text(std::size_t position);
    std::size_t read_openssl(std::size_t position);
    std::size_t read_python_text(std::size_t position);
    std::size_t read_service_code(std::size_t position, std::string_view word);
    bool read_exception(std::size_t position, std::string_view word);
    bool read_symbol(std::size_t position, std::string_view dotted);
    bool read_product_name(std::size_t position, std::string_view word);
    void read_crash(std::size_t position, std::string_view word);
    void read_not_found(std::size_t position);

    bool may_look_up() { return look_ups_++ < most_look_ups; }
    void add(std::size_t position, Reason reason) {
        const auto depth = depth_of(reason);
        add(position, std::move(reason), depth);
    }
    void add(std::size_t position, Reason reason, Depth depth);
    void add_windows_code(std::size_t position, std::uint64_t code, std::string text);

    std::string_view line_;
    std::vector<Found> found_;
    unsigned look_ups_ = 0;
};

void ReasonScanner::add(std::size_t position, Reason reason, Depth depth) {
    // A class with its modules and without them is the same.
    const auto same = std::ranges::find_if(found_, [&](const Found& each) {
        return each.reason.kind == reason.kind && each.reason.number == reason.number &&
               last_part(each.reason.name) == last_part(reason.name);
    });
    if (same != found_.end()) {
        same->position = position;
        same->depth = std::max(same->depth, depth);
        if (same->reason.text.empty()) same->reason.text = std::move(reason.text);
        return;
    }
    if (found_.size() == most_candidates) {
        // The outermost and earliest is missed least.
        found_.erase(std::ranges::max_element(found_, [](const Found& left, const Found& right) {
            return left.depth != right.depth ? left.depth < right.depth : left.position > right.position;
        }));
    }
    found_.push_back({std::move(reason), position, depth});
}

std::size_t ReasonScanner::step(std::size_t position) {
    const char c = line_[position];
    if (is_digit(c)) return read_number(position);
    if (is_letter(c)) return read_word(position);
    return position + 1;
}

// ---- Numbers ----

std::size_t ReasonScanner::read_number(std::size_t position) {
    std::size_t end = position + 1;
    const bool is_hexadecimal = line_[position] == '0' && to_small(at(position + 1)) == 'x';
    while (end < line_.size() && (is_of_name(line_[end]))) ++end;
    const auto token = number_at(line_, position);
    if (!token || token->value == 0) return end;
    const auto label = label_before(line_, token->begin);
    constexpr std::size_t digits_of_code = 8;
    constexpr std::uint64_t large = 1000000000;
    const bool is_code = is_hexadecimal ? token->digits >= digits_of_code || label.is("hr") || label.is("hresult") ||
                                              label.is("error") || label.is("code")
                                        : token->value >= large;
    if (is_code) {
        read_windows_code(*token, label);
        return end;
    }
    if (is_hexadecimal) return end;
    // The first that knows what the number is.
    (void)(read_sql(*token, label) || read_exit(*token, label) || read_http(*token, label) ||
           read_errno(*token, label) || read_product_code(*token, label) || read_win32(*token, label));
    return end;
}

void ReasonScanner::add_windows_code(std::size_t position, std::uint64_t code, std::string text) {
    constexpr std::uint64_t wrapped_win32 = 0x8007;
    constexpr std::uint64_t wrapped_win32_of_kernel = 0xC007;
    constexpr std::uint64_t of_nt = 0x10000000;
    const auto number = static_cast<std::int64_t>(code);
    const auto named = [](const ReasonRow* row) { return row == nullptr ? std::string() : std::string(row->name); };
    if (const auto* row = find_number(hresult_rows(), number)) {
        add(position, {Kind::hresult, number, row->name, std::move(text)});
    } else if (code >> 16 == wrapped_win32 || code >> 16 == wrapped_win32_of_kernel) {
        const auto inner = static_cast<std::int64_t>(code & half);
        if (inner == 0) return;
        add(position, {Kind::win32, inner, named(find_number(win32_rows(), inner)), std::move(text)});
    } else if (const auto* status = find_number(nt_status_rows(), number)) {
        add(position, {Kind::ntstatus, number, status->name, std::move(text)});
    } else if (const auto* wrapped = find_number(nt_status_rows(), static_cast<std::int64_t>(code & ~of_nt))) {
        add(position, {Kind::ntstatus, wrapped->number, wrapped->name, std::move(text)});
    } else {
        constexpr std::uint64_t error_bits = 0xC0000000;
        const auto kind = (code & error_bits) == error_bits ? Kind::ntstatus : Kind::hresult;
        add(position, {kind, number, "", std::move(text)});
    }
}

/// Words before a number that is an address or a mask and not an error.
constexpr std::string_view labels_of_addresses[] = {
    "mem",   "at",   "address",    "addr", "base", "iobase", "offset",     "size",
    "flags", "mask", "attributes", "attr", "pid",  "handle", "qualifiers", "keywords",
    "id",    "disk", "signature",  "ip",   "sp",   "range",  "crc",
};
constexpr std::string_view labels_of_codes[] = {
    "hr",     "hresult", "error",    "errorcode", "code", "exception", "status", "ntstatus",  "returned", "result",
    "failed", "with",    "exitcode", "err",       "ret",  "rc",        "hres",   "lasterror", "reason",
};
/// The HRESULT facilities that occur: RPC, dispatch, storage, interface, Win32, Windows, security, certificates, COM+,
/// .NET, HTTP, updates, BitLocker, SQL's virtual device, Windows backup.
constexpr std::uint64_t met_facilities[] = {1, 2, 3, 4, 7, 8, 9, 11, 15, 17, 19, 25, 36, 49, 119, 120};

void ReasonScanner::read_windows_code(const NumberToken& token, const Label& label) {
    constexpr std::uint64_t sign_extension = 0xFFFFFFFF00000000;
    constexpr std::uint64_t last_registry_root = 0x80000008;  // "RegOpenKeyExW(-2147483646, ...": HKEY_LOCAL_MACHINE
    constexpr std::uint64_t facility_bits = 0x7FF;
    constexpr std::uint64_t whole = 0x100000000;
    const auto& nearest = label.words[0];
    auto code = token.value;
    if (token.is_hexadecimal) {
        constexpr std::size_t digits_of_code = 8;
        constexpr std::size_t digits_of_wide_code = 16;
        if (token.digits == digits_of_wide_code && (code & sign_extension) == sign_extension) code &= ~sign_extension;
        if (token.digits > digits_of_code && token.digits != digits_of_wide_code) return;
        // "[mem 0x80040000-0x8004ffff]"
        if (at(token.end) == '-' || before(token.begin) == '-') return;
    } else if (token.is_negative) {
        if (code > severity) return;
        code = whole - code;
    }
    if (code >= whole || is_among(labels_of_addresses, nearest)) return;
    const bool is_called_code = is_among(labels_of_codes, nearest) || before(token.begin) == '%';
    auto text = words_behind(line_, token.end);
    if (code < severity) {
        // "error 0x5", and "hr = 0x00000539"
        const auto* row =
            token.is_hexadecimal && code <= half ? find_number(win32_rows(), static_cast<std::int64_t>(code)) : nullptr;
        if (row != nullptr && is_called_code) add(token.begin, {Kind::win32, row->number, row->name, std::move(text)});
        return;
    }
    if (code <= last_registry_root && !is_called_code) return;
    // A large number without a sign can be anything.
    const bool is_bare = !token.is_hexadecimal && !token.is_negative;
    if (is_bare && !is_called_code) return;
    const auto number = static_cast<std::int64_t>(code);
    constexpr std::uint64_t status_facility = 0xC000;
    const bool is_known = find_number(hresult_rows(), number) != nullptr ||
                          find_number(nt_status_rows(), number) != nullptr || code >> 16 == status_facility;
    const bool is_of_met_facility = code >> 28 == 8 && is_among(met_facilities, code >> 16 & facility_bits);
    if (is_known || is_of_met_facility || is_called_code) add_windows_code(token.begin, code, std::move(text));
}

bool ReasonScanner::read_sql(const NumberToken& token, const Label& label) {
    const auto number = static_cast<std::int64_t>(token.value);
    const bool is_named = label.is("error", "native") || label.is("nativeerror") || label.is("error", "sql") ||
                          label.is("error", "server", "sql");
    const bool is_message = (label.is("error") && continues_with(line_, token.end, ", Severity")) ||
                            (label.is("msg") && continues_with(line_, token.end, ", Level"));
    constexpr std::int64_t most = 1000000;
    if ((!is_named && !is_message) || number >= most) return false;
    add(token.begin, {Kind::sql, token.is_negative ? -number : number, "", ""});
    return true;
}

bool is_exit_label(const Label& label) {
    constexpr std::string_view single[] = {"exitcode", "exitstatus", "returncode", "retcode", "rc"};
    constexpr std::string_view ended[] = {"exited", "ended", "terminated", "failed", "finished"};
    const bool is_code = label.is("code") || label.is("status");
    return is_among(single, label.words[0]) || (is_code && (label.words[1] == "exit" || label.words[1] == "return")) ||
           (is_code && label.words[1] == "with" && is_among(ended, label.words[2]));
}

bool ReasonScanner::read_exit(const NumberToken& token, const Label& label) {
    constexpr std::int64_t most_exit_code = 255;
    constexpr std::int64_t last_signal = 31;
    const auto number = static_cast<std::int64_t>(token.value);
    const auto signal_of = [&](std::int64_t value) { return find_number(signal_rows(), value); };
    // systemd: "status=203/EXEC", "status=9/KILL", "status=1/FAILURE"
    if (label.is("status") && label.has_mark('=') && at(token.end) == '/') {
        auto end = token.end + 1;
        while (is_of_name(at(end))) ++end;
        const auto name = line_.substr(token.end + 1, end - token.end - 1);
        const auto* signal = signal_of(number);
        if (signal != nullptr && name == std::string_view(signal->name).substr(3)) {
            add(token.begin, {Kind::signal, number, signal->name, ""});
        } else if (number <= most_exit_code) {
            const auto* row = find_number(exit_code_rows(), number);
            add(token.begin, {Kind::exit_code, number, row == nullptr ? "" : row->name, ""});
        }
        return true;
    }
    const bool is_of_handle = continues_with(line_, token.end, " returned from handle.py");
    if (is_exit_label(label) || is_of_handle) {
        if (token.is_negative) {  // of Python: -9
            const auto* signal = number > 1 && number <= last_signal ? signal_of(number) : nullptr;
            if (signal != nullptr) add(token.begin, {Kind::signal, number, signal->name, ""});
            return true;
        }
        if (number <= most_exit_code) {
            const auto* row = find_number(exit_code_rows(), number);
            add(token.begin, {Kind::exit_code, number, row == nullptr ? "" : row->name, ""});
        } else if (const auto* row = find_number(win32_rows(), number)) {  // of msiexec: 1603
            add(token.begin, {Kind::win32, number, row->name, words_behind(line_, token.end)});
        }
        return true;
    }
    // Not "(Signal=1 received)", which the extension logs in every good backup.
    if (label.is("signal") && !label.has_mark('=') && number <= last_signal && !token.is_negative) {
        const auto* signal = signal_of(number);
        if (signal != nullptr) add(token.begin, {Kind::signal, number, signal->name, ""});
        return true;
    }
    return false;
}

bool ReasonScanner::read_http(const NumberToken& token, const Label& label) {
    constexpr std::uint64_t first = 400;
    constexpr std::uint64_t end = 600;
    constexpr std::size_t digits_of_status = 3;
    if (token.value < first || token.value >= end || token.digits != digits_of_status || token.is_negative ||
        at(token.end) == '/') {
        return false;
    }
    const auto number = static_cast<std::int64_t>(token.value);
    const auto& nearest = label.words[0];
    const bool is_of_host = nearest.starts_with("hoststatuscode");
    // The extension's codes for a missing answer; 556 is also an HTTP 500 without an error in it.
    constexpr std::int64_t first_of_extension = 555;
    constexpr std::int64_t last_of_extension = 558;
    if (is_of_host && number >= first_of_extension && number <= last_of_extension) {
        const auto* result = find_number(extension_rows(), number);
        add(token.begin, {Kind::extension_code, number, result == nullptr ? "" : result->name, ""});
        return true;
    }
    const auto* row = find_number(http_rows(), number);
    const auto text_behind = words_behind(line_, token.end);
    const auto before_number = line_.substr(0, token.begin);
    const bool is_of_version = before_number.ends_with("HTTP/1.1 ") || before_number.ends_with("HTTP/1.0 ") ||
                               before_number.ends_with("HTTP/2 ");
    const bool is_in_brackets =
        before(token.begin) == '[' && continues_with(line_, token.end, ": ") && !text_behind.empty();
    const bool is_in_parentheses =
        before(token.begin) == '(' && nearest == "error" && continues_with(line_, token.end, ") ");
    const bool is_called_error = nearest == "error" && is_capital(at(token.end + 2)) &&
                                 continues_with(line_, token.end, ": ") && !label.has_mark('\'');
    // "Service Unavailable (503)"
    const bool is_behind_phrase =
        row != nullptr && before(token.begin) == '(' &&
        boost::iends_with(before_number.substr(0, token.begin - 1), std::string(row->name) + " ");
    const bool is_of_requests =
        continues_with(line_, token.end, " Client Error") || continues_with(line_, token.end, " Server Error");
    const bool has_label = is_of_host || nearest == "statuscode" || nearest == "responsecode" || nearest == "http" ||
                           nearest == "errorcode" ||
                           (nearest == "code" &&
                            (label.words[1] == "status" || label.words[1] == "response" || label.words[1] == "http")) ||
                           (nearest == "status" && label.words[1] != "exit" && !label.marks.empty()) ||
                           (nearest == "error" && (label.words[1] == "http" || label.words[1] == "returned")) ||
                           label.is("failed", "connection", "tunnel") || label.is("failed", "server", "wire");
    if (!is_of_version && !is_in_brackets && !is_in_parentheses && !is_called_error && !is_of_requests &&
        !is_behind_phrase && !has_label) {
        return false;
    }
    auto text = text_behind;
    if (text.empty() && at(token.end) == ' ' && is_capital(at(token.end + 1)) && !is_in_parentheses) {
        text = bounded_text(line_.substr(token.end + 1), ",;:[](){}\"");
    }
    // Drops the text after the status's own phrase.
    if (row != nullptr && boost::istarts_with(text, row->name)) text = row->name;
    add(token.begin, {Kind::http, number, row == nullptr ? "" : row->name, std::move(text)});
    return true;
}

bool ReasonScanner::read_errno(const NumberToken& token, const Label& label) {
    constexpr std::int64_t last = 133;
    auto number = static_cast<std::int64_t>(token.value);
    if (number > last) return false;
    if (label.is("errno")) {
        // "[Errno -2]" is getaddrinfo()'s; a kernel's "errno -28" is only written another way.
        if (token.is_negative && line_.substr(0, token.begin).ends_with("[Errno ")) number = -number;
    } else {
        constexpr std::string_view of_kernel[] = {"error", "err", "ret", "rc", "failed", "status", "result", "code"};
        if (!token.is_negative || !is_among(of_kernel, label.words[0]) || before(token.begin, 2) == '.') return false;
        // -1 alone says only that a call failed.
        if (label.marks.empty() || number == 1) return false;
    }
    const auto* row = find_number(errno_rows(), number);
    if (row == nullptr) return true;
    std::string text;
    auto behind = line_.substr(token.end);
    if (behind.starts_with("] ")) text = bounded_text(behind.substr(2), ":,'\"[]");
    add(token.begin, {Kind::errno_value, number, row->name, std::move(text)});
    return true;
}

bool ReasonScanner::read_product_code(const NumberToken& token, const Label& label) {
    const auto number = static_cast<std::int64_t>(token.value);
    if (token.is_negative) return false;
    constexpr std::int64_t first_job_code = 100000;
    const bool is_code = label.is("code") || label.is("errorcode");
    if (is_code && number >= first_job_code) {
        const bool is_known = find_error_code(std::to_string(number)) != nullptr;
        if (is_known) add(token.begin, {Kind::job_code, number, "", ""});
        return is_known;
    }
    // In JSON: "code": 1009, "code": "76"
    const bool is_member = label.is("code") && label.has_mark('"') && label.has_mark(':');
    if (!is_member) return false;
    constexpr std::int64_t first_of_agent = 1000;
    if (number >= first_of_agent) {
        const auto* row = find_number(agent_rows(), number);
        if (row != nullptr) add(token.begin, {Kind::agent_code, number, row->name, ""});
        return row != nullptr;
    }
    // The extension writes its result as text; a number alone of this size is an HTTP status or unknown.
    const bool is_text = before(token.begin) == '"';
    constexpr std::int64_t first_status = 400;
    constexpr std::int64_t end_of_status = 600;
    if (!is_text && number >= first_status && number < end_of_status) {
        const auto* row = find_number(http_rows(), number);
        add(token.begin, {Kind::http, number, row == nullptr ? "" : row->name, ""});
        return true;
    }
    const auto* row = find_number(extension_rows(), number);
    if (!is_text || row == nullptr || is_among(no_failures, number)) return false;
    add(token.begin, {Kind::extension_code, number, row->name, ""});
    return true;
}

bool ReasonScanner::read_win32(const NumberToken& token, const Label& label) {
    const auto number = static_cast<std::int64_t>(token.value);
    if (token.is_negative || number > static_cast<std::int64_t>(half)) return false;
    const auto& nearest = label.words[0];
    const bool is_parameter = line_.substr(0, token.begin).ends_with("%%");
    const bool is_named = is_parameter || nearest == "winerror" || nearest == "lasterror" ||
                          nearest == "getlasterror" || nearest.starts_with("win32") ||
                          label.words[1].starts_with("win32") || label.is("error", "system") ||
                          label.is("error", "socket") || nearest.ends_with("socketexception");
    // Without a name for it, a small number can be anything.
    constexpr std::int64_t unmistakable = 1000;
    const bool is_of_dotnet =
        std::ranges::any_of(found_, [](const Found& each) { return each.reason.kind == Kind::dotnet; });
    const bool is_error_code = label.is("code", "error");
    const bool is_called_error =
        (is_of_dotnet && is_error_code) || (number >= unmistakable && (nearest == "error" || nearest == "errorcode" ||
                                                                       nearest == "failed" || is_error_code));
    const auto* row = find_number(win32_rows(), number);
    if (!is_named && !(is_called_error && row != nullptr)) return false;
    add(token.begin, {Kind::win32, number, row == nullptr ? "" : row->name, words_behind(line_, token.end)});
    return true;
}

// ---- Words ----

std::size_t ReasonScanner::read_word(std::size_t position) {
    constexpr std::size_t longest = 200;
    auto end = position;
    while (end < line_.size() && (is_of_name(line_[end]) || (line_[end] == '.' && is_letter(at(end + 1))))) ++end;
    if (is_of_name(before(position))) return end;
    if (const auto text_end = read_errno_text(position); text_end != position) return text_end;
    if (const auto text_end = read_openssl(position); text_end != position) return text_end;
    if (const auto text_end = read_python_text(position); text_end != position) return text_end;
    const auto word = line_.substr(position, end - position);
    if (word.size() > longest) return end;
    if (const auto code_end = read_service_code(position, word); code_end != position) return code_end;
    read_crash(position, word);
    read_not_found(position);
    (void)(read_symbol(position, word) || read_product_name(position, word) || read_exception(position, word));
    return end;
}

std::size_t ReasonScanner::read_errno_text(std::size_t position) {
    for (const auto* row : errno_texts(to_small(line_[position]))) {
        const std::string_view text = row->text;
        if (to_small(at(position + 1)) != to_small(text[1]) || !continues_with(line_, position, text)) continue;
        if (is_of_name(at(position + text.size()))) continue;
        // "IOError timed out"
        const bool follows_exception = line_.substr(0, position).ends_with("Error ");
        if (row->is_common_english && !follows_exception && !is_set_off(line_, position, text.size())) continue;
        const auto* entry = find_number(errno_rows(), row->number);
        add(position, {Kind::errno_value, row->number, entry->name, std::string(line_.substr(position, text.size()))});
        return position + text.size();
    }
    return position;
}

std::size_t ReasonScanner::read_openssl(std::size_t position) {
    // error:0308010C:digital envelope routines:inner_evp_generic_fetch:unsupported:../evp_fetch.c:373:
    constexpr std::string_view packed = "error:";
    constexpr std::size_t most_digits = 8;
    if (line_.substr(position).starts_with(packed)) {
        auto at_digit = position + packed.size();
        std::uint64_t number = 0;
        std::size_t digits = 0;
        for (; digits <= most_digits && at_digit < line_.size(); ++at_digit, ++digits) {
            const char c = to_small(line_[at_digit]);
            if (!is_digit(c) && !(c >= 'a' && c <= 'f')) break;
            number = number * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'a' + 10);
        }
        if (digits != most_digits || at(at_digit) != ':') return position;
        std::array<std::string, 3> fields;
        auto rest = line_.substr(at_digit + 1);
        for (auto& field : fields) {
            const auto end = std::min(rest.find_first_of(":\r\n\"'"), rest.size());
            field = bounded_text(rest.substr(0, end), "");
            const bool goes_on = end < rest.size() && rest[end] == ':';
            rest.remove_prefix(goes_on ? end + 1 : rest.size());
        }
        auto& reason = fields[2].empty() ? fields[1] : fields[2];
        if (!reason.empty()) {
            add(position, {Kind::openssl, static_cast<std::int64_t>(number), std::move(reason), std::move(fields[0])});
        }
        return line_.size() - rest.size();
    }
    // [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed
    for (const std::string_view module : {"SSL: ", "X509: ", "ASN1: ", "PEM: "}) {
        if (before(position) != '[' || !line_.substr(position).starts_with(module)) continue;
        auto end = position + module.size();
        while (is_of_name(at(end))) ++end;
        const auto name = line_.substr(position + module.size(), end - position - module.size());
        if (name.empty() || at(end) != ']') return position;
        auto text = at(end + 1) == ' ' ? bounded_text(line_.substr(end + 2), "(") : std::string();
        add(position, {Kind::openssl, 0, std::string(name), std::move(text)});
        // The same words again, which are no second reason.
        const auto words = normalized(name);
        return continues_with(line_, std::min(end + 2, line_.size()), words) ? end + 2 + words.size() : end + 1;
    }
    // Words alone: only those that nothing else says.
    constexpr std::string_view openssl_words[] = {
        "certificate has expired",
        "certificate verify failed",
        "no start line",
        "unable to get local issuer certificate",
        "unable to load certificate",
        "unable to load private key",
        "unexpected eof while reading",
        "wrong version number",
    };
    for (const auto words : openssl_words) {
        if (to_small(line_[position]) != words[0] || !continues_with(line_, position, words)) continue;
        add(position, {Kind::openssl, 0, std::string(words), ""});
        return position + words.size();
    }
    return position;
}

/// Reads the text of str(exception), which lacks the name of the class. Agent and extension log most exceptions so.
std::size_t ReasonScanner::read_python_text(std::size_t position) {
    struct PythonText {
        std::string_view text;
        std::string_view exception;
    };
    constexpr PythonText texts[] = {
        {"invalid literal for int() with base", "ValueError"},
        {"could not convert string to float", "ValueError"},
        {"not enough values to unpack", "ValueError"},
        {"too many values to unpack", "ValueError"},
        {"Expecting value: line ", "JSONDecodeError"},
        {"Extra data: line ", "JSONDecodeError"},
        {"Unterminated string starting at: line ", "JSONDecodeError"},
        {"Expecting property name enclosed in double quotes: line ", "JSONDecodeError"},
        {"No JSON object could be decoded", "ValueError"},
        {"no element found: line ", "ParseError"},
        {"not well-formed (invalid token): line ", "ParseError"},
        {"mismatched tag: line ", "ParseError"},
        {"codec can't decode byte", "UnicodeDecodeError"},
        {"codec can't encode character", "UnicodeEncodeError"},
        {"has no attribute '", "AttributeError"},
        {"object is not subscriptable", "TypeError"},
        {"object is not iterable", "TypeError"},
        {"unsupported operand type(s) for", "TypeError"},
        {"list index out of range", "IndexError"},
        {"dictionary changed size during iteration", "RuntimeError"},
        {"maximum recursion depth exceeded", "RecursionError"},
        {"cannot import name '", "ImportError"},
        {"No module named ", "ModuleNotFoundError"},
    };
    for (const auto& known : texts) {
        if (!line_.substr(position).starts_with(known.text)) continue;
        const bool is_named = std::ranges::any_of(found_, [&](const Found& each) {
            return each.reason.kind == Kind::python && last_part(each.reason.name) == known.exception;
        });
        const auto rest = line_.substr(position);
        if (!is_named) add(position, {Kind::python, 0, std::string(known.exception), bounded_text(rest, "")});
        return position + known.text.size();
    }
    return position;
}

std::size_t ReasonScanner::read_service_code(std::size_t position, std::string_view word) {
    constexpr std::size_t longest_code = 80;
    const bool is_code =
        boost::iequals(word, "code") || boost::iequals(word, "errorcode") || boost::iequals(word, "error_code");
    const bool is_error = word == "error";
    if (!is_code && !is_error) return position;
    auto value = position + word.size();
    if (before(position) == '<' && at(value) == '>') {
        ++value;
    } else {
        // "code":"X", \"code\": \"X\", x-ms-error-code: X
        const bool is_header = line_.substr(0, position).ends_with("x-ms-error-");
        const bool is_member = before(position) == '"' || before(position) == '\'' || is_header;
        std::size_t passed = 0;
        bool has_colon = false;
        while (value < line_.size() && passed < 12 &&
               std::string_view("\\\"' :,").find(line_[value]) != std::string_view::npos) {
            has_colon = has_colon || line_[value] == ':' || (is_header && line_[value] == ',');
            ++value;
            ++passed;
        }
        if (!is_member || !has_colon) return position;
    }
    auto end = value;
    while (end < line_.size() && end - value <= longest_code && (is_of_name(line_[end]) || line_[end] == '.')) ++end;
    const auto code = line_.substr(value, end - value);
    if (code.size() < 4 || !is_letter(code.front()) || code.size() > longest_code) return position;
    const bool is_known = find_name(service_code_rows(), code) != nullptr;
    constexpr std::string_view no_codes[] = {"success", "Success",       "Ready",   "NotReady",
                                             "error",   "None",          "null",    "true",
                                             "false",   "transitioning", "warning", "Success_AppConsistent"};
    if (is_among(no_codes, code) || (is_error && !is_known)) return position;
    // Words and not the name of a code: "code": "see below"
    if (!is_known && at(end) == ' ') return position;
    std::string text;
    auto behind = line_.substr(end, 24);
    const auto message = boost::ifind_first(behind, "message");
    if (!message.empty()) {
        const auto begin = end + static_cast<std::size_t>(message.end() - behind.begin());
        const auto text_begin = line_.find_first_not_of("\\\"' :>", begin);
        if (text_begin != std::string_view::npos && text_begin - begin < 12) {
            text = bounded_text(line_.substr(text_begin), "\\\"<");
        }
    }
    add(value, {Kind::http, 0, std::string(code), std::move(text)});
    return end;
}

bool ReasonScanner::read_symbol(std::size_t position, std::string_view dotted) {
    const auto word = last_part(dotted);
    constexpr std::size_t shortest = 3;
    const bool is_symbol = word.size() >= shortest && is_capital(word.front()) && std::ranges::none_of(word, is_small);
    if (!is_symbol) return false;
    if (word.starts_with("SIG")) {
        constexpr std::string_view ending[] = {"SIGABRT", "SIGBUS",  "SIGFPE",  "SIGILL",  "SIGKILL", "SIGSEGV",
                                               "SIGSYS",  "SIGTERM", "SIGTRAP", "SIGXCPU", "SIGXFSZ"};
        if (!is_among(ending, word)) return false;
        const auto* row = find_symbol(signal_rows(), word);
        add(position, {Kind::signal, row->number, row->name, ""});
        return true;
    }
    if (!may_look_up()) return false;
    auto text = words_behind(line_, position + dotted.size());
    if (word.front() == 'E') {
        if (const auto* row = find_symbol(errno_rows(), word)) {
            add(position, {Kind::errno_value, row->number, row->name, std::move(text)});
            return true;
        }
    }
    if (word.find('_') == std::string_view::npos && !word.starts_with("WSA")) return false;
    const auto* win32 = find_symbol(win32_rows(), word);
    if (const auto* other = find_symbol(win32_other_names(), word)) win32 = find_number(win32_rows(), other->number);
    const auto* status = win32 == nullptr ? find_symbol(nt_status_rows(), word) : nullptr;
    const auto* hresult = win32 == nullptr && status == nullptr ? find_symbol(hresult_rows(), word) : nullptr;
    const bool is_success = hresult != nullptr && hresult->number < static_cast<std::int64_t>(severity);
    if (win32 != nullptr) {
        add(position, {Kind::win32, win32->number, win32->name, std::move(text)});
    } else if (status != nullptr) {
        add(position, {Kind::ntstatus, status->number, status->name, std::move(text)});
    } else if (hresult != nullptr && !is_success) {
        add(position, {Kind::hresult, hresult->number, hresult->name, std::move(text)});
    }
    return win32 != nullptr || status != nullptr || hresult != nullptr;
}

bool ReasonScanner::read_product_name(std::size_t position, std::string_view word) {
    constexpr std::size_t shortest = 10;
    const auto name = last_part(word);
    if (name.size() < shortest || std::ranges::count_if(name, is_capital) < 2) return false;
    constexpr std::string_view beginnings[] = {
        "UserError", "Failed", "Extension",   "GuestAgent",      "VM",          "BMS",   "BCM",
        "Vm",        "error_", "DiskRestore", "BackUpOperation", "NoExtension", "Azure", "Managed"};
    if (std::ranges::none_of(beginnings, [&](const auto& each) { return name.starts_with(each); })) return false;
    if (!may_look_up()) return false;
    if (const auto* row = find_symbol(extension_rows(), name)) {
        if (!is_among(no_failures, row->number)) add(position, {Kind::extension_code, row->number, row->name, ""});
        return true;
    }
    const auto* code = find_error_code(name);
    if (code == nullptr || code->origin == CodeOrigin::guest_agent) return false;
    if (code->origin != CodeOrigin::linux_extension) add(position, {Kind::job_code, 0, std::string(name), ""});
    return true;
}

bool ReasonScanner::read_exception(std::size_t position, std::string_view word) {
    const auto name = last_part(word);
    const auto end = position + word.size();
    constexpr std::string_view other_names[] = {
        "BadZipFile", "IncompleteRead", "KeyboardInterrupt",     "RemoteDisconnected",
        "SystemExit", "TimeoutExpired", "VmSettingsNotSupported"};
    const bool is_dotted = name.size() != word.size();
    const bool is_small_name = is_dotted && (name == "timeout" || name == "gaierror");
    const bool is_class = is_capital(name.front()) && std::ranges::any_of(name, is_small) &&
                          (name.ends_with("Error") || name.ends_with("Exception") || is_among(other_names, name));
    if (!is_class && !is_small_name) return false;
    // The word alone is no class, but for Python's own at the beginning of a line.
    const bool is_first = line_.find_first_not_of(" \t") == position;
    if (name == "Error" || (name == "Exception" && !is_first)) return false;
    const bool is_nested = before(position) == '+';  // "Microsoft.X.Cryptography+PInvokeException"
    const bool is_dotnet = name.ends_with("Exception") && ((is_dotted && is_capital(word.front())) || is_nested);
    const bool is_known =
        is_dotnet ? find_name(dotnet_rows(), name) != nullptr : find_name(python_rows(), name) != nullptr;
    const bool is_in_brackets = before(position) == '[' && at(end) == ']';
    const bool has_message = at(end) == ':' && (at(end + 1) == ' ' || end + 1 == line_.size());
    const bool has_number =
        is_known && (at(end) == '(' || continues_with(line_, end, " [Errno") || continues_with(line_, end, " (0x") ||
                     continues_with(line_, end, " timed out"));
    const bool is_whole = is_known && is_first && line_.find_first_not_of(" \t\r\n", end) == std::string_view::npos;
    const bool ends_line = is_dotnet && (end >= line_.size() || at(end) == '\r' || at(end) == '\n');
    if (!is_in_brackets && !has_message && !has_number && !is_whole && !ends_line &&
        !(is_dotnet && continues_with(line_, end, " ("))) {
        return false;
    }
    std::string text;
    if (has_message && end + 2 <= line_.size()) text = bounded_text(line_.substr(end + 2), "");
    Reason reason{is_dotnet ? Kind::dotnet : Kind::python, 0, std::string(word), std::move(text)};
    // The agent puts the class of each exception in brackets before what it wraps.
    const auto depth = is_in_brackets ? Depth::wrapper : depth_of(reason);
    add(position, std::move(reason), depth);
    return true;
}

/// Reads "c0000005" among the values of a crash event.
void ReasonScanner::read_crash(std::size_t position, std::string_view word) {
    constexpr std::size_t digits_of_code = 8;
    const char first = to_small(word.front());
    if (word.size() != digits_of_code || (first != 'c' && first != 'e')) return;
    if (before(position) == '-' || before(position) == '{' || at(position + word.size()) == '-') return;
    std::uint64_t code = 0;
    for (const char c : word) {
        const char digit = to_small(c);
        if (!is_digit(digit) && !(digit >= 'a' && digit <= 'f')) return;
        code = code * 16 + static_cast<unsigned>(is_digit(digit) ? digit - '0' : digit - 'a' + 10);
    }
    if (const auto* row = find_number(nt_status_rows(), static_cast<std::int64_t>(code))) {
        add(position, {Kind::ntstatus, row->number, row->name, ""});
    }
}

/// Reads a shell's words for exit code 127, and for a process that a signal ended.
void ReasonScanner::read_not_found(std::size_t position) {
    constexpr std::size_t longest_command = 300;
    const auto rest = line_.substr(position);
    const auto begin = position - std::min(position, longest_command);
    const bool is_of_shell = rest.starts_with("not found") && line_.substr(0, position).ends_with(": ") &&
                             line_.substr(begin, position - begin).find("sh: ") != std::string_view::npos;
    if (is_of_shell || rest.starts_with("command not found")) {
        add(position, {Kind::exit_code, not_found, "", "not found"});
    } else if (continues_with(line_, position, "Segmentation fault")) {
        constexpr std::int64_t segmentation = 11;
        add(position, {Kind::signal, segmentation, "SIGSEGV", ""});
    }
}

}  // namespace

std::vector<Reason> reasons_in(std::string_view line) {
    if (line.size() > longest_line) line.remove_prefix(line.size() - longest_line);
    return ReasonScanner(line).scan();
}

}  // namespace remediations

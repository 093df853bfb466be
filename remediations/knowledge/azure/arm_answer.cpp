#include "remediations/knowledge/azure/arm_answer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <charconv>

#include "remediations/machine/arm/versions.hpp"
#include "remediations/machine/clock_time.hpp"

namespace remediations::azure {

namespace json = boost::json;
using machine::ArmQuestion;
using machine::Error;
using machine::ErrorKind;

namespace {

template <class Number>
bool read_number(std::string_view& text, std::size_t digits, Number& number) {
    if (text.size() < digits) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
    if (error != std::errc() || end != text.data() + digits) return false;
    text.remove_prefix(digits);
    return true;
}

bool skip(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

/// Makes an error from the code of a refusal only: the persons in its message (principals, their addresses) must not be
/// in reports.
Error refused(const ArmQuestion& question, const machine::ArmAnswer& answer) {
    const auto code = answer.code.empty() ? fmt::format("HTTP {}", answer.status) : answer.code;
    const auto status = static_cast<long>(answer.status);
    if (answer.code == "ScopeLocked") {
        return machine::Error::refused(fmt::format("a lock forbids to ask {} (ScopeLocked)", question.path), status);
    }
    if (answer.status == 403) {
        return machine::Error::access_denied(fmt::format("this identity may not look at {}: it needs {} (role \"{}\")",
                                                         question.path, machine::arm::action_for(question), look_role),
                                             status);
    }
    if (answer.status == 404) {
        return machine::Error::not_found(fmt::format("Azure has no {} ({})", question.path, code), status);
    }
    auto message = fmt::format("Azure answers {} about {}", code, question.path);
    if (!answer.correlation_id.empty()) message += fmt::format(" (correlation id {})", answer.correlation_id);
    return machine::Error::failed(std::move(message), status);
}

machine::Result<json::value> ask(const machine::Machine& machine, const ArmQuestion& question) {
    const auto answer = machine.azure().ask(question);
    if (!answer) return answer.error();
    if (answer->is_refusal()) return refused(question, *answer);
    return answer->body;
}

const json::value* find(const json::value& value, std::string_view path) {
    const auto* found = &value;
    for (std::size_t begin = 0; found && begin <= path.size();) {
        const auto end = std::min(path.find('.', begin), path.size());
        const auto* object = found->if_object();
        found = object ? object->if_contains(path.substr(begin, end - begin)) : nullptr;
        begin = end + 1;
    }
    return found;
}

std::string text_of(const json::value& value, std::string_view path) {
    const auto* found = find(value, path);
    if (!found) return {};
    if (found->is_string()) return std::string(found->get_string());
    if (found->is_int64()) return std::to_string(found->get_int64());
    return found->is_bool() ? (found->get_bool() ? "true" : "false") : std::string();
}

std::optional<std::int64_t> number_of(const json::value& value, std::string_view path) {
    const auto* found = find(value, path);
    if (found && found->is_double()) {
        const auto number = found->get_double();
        return number > -9e18 && number < 9e18 ? std::optional(static_cast<std::int64_t>(number)) : std::nullopt;
    }
    const auto text = found && !found->is_bool() ? text_of(value, path) : std::string();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = !text.empty() && error == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(number) : std::nullopt;
}

std::optional<bool> switch_of(const json::value& value, std::string_view path) {
    const auto text = text_of(value, path);
    if (boost::iequals(text, "true")) return true;
    if (boost::iequals(text, "false")) return false;
    return std::nullopt;
}

std::optional<std::chrono::system_clock::time_point> time_of(const json::value& value, std::string_view path) {
    using namespace std::chrono;
    const auto whole = text_of(value, path);
    std::string_view text = whole;
    int year_number = 0;
    unsigned month_number = 0;
    unsigned day_number = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    const bool is_time = read_number(text, 4, year_number) && skip(text, '-') && read_number(text, 2, month_number) &&
                         skip(text, '-') && read_number(text, 2, day_number) && skip(text, 'T') &&
                         read_number(text, 2, hour) && skip(text, ':') && read_number(text, 2, minute) &&
                         skip(text, ':') && read_number(text, 2, second);
    const auto date = year_month_day(year(year_number), month(month_number), day(day_number));
    constexpr int year_of_never = 2001;
    if (!is_time || !date.ok() || !machine::is_clock_year(year_number) || year_number <= year_of_never || hour > 23 ||
        minute > 59 || second > 60) {
        return std::nullopt;
    }
    if (skip(text, '.')) text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
    minutes offset{0};
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
        const int sign = text.front() == '+' ? 1 : -1;
        text.remove_prefix(1);
        int hours_off = 0;
        int minutes_off = 0;
        if (!read_number(text, 2, hours_off) || !skip(text, ':') || !read_number(text, 2, minutes_off)) {
            return std::nullopt;
        }
        offset = minutes(sign * (hours_off * 60 + minutes_off));
    }
    return system_clock::time_point(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) - offset;
}

const json::array& list_of(const json::value& value, std::string_view path) {
    static const json::array none;
    const auto* found = path.empty() ? &value : find(value, path);
    return found && found->is_array() ? found->get_array() : none;
}

std::string shown(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

bool is_same_id(std::string_view one, std::string_view other) {
    return !one.empty() && boost::iequals(one, other);
}

std::string part_of(std::string_view id, std::string_view name) {
    const auto marker = fmt::format("/{}/", name);
    const auto found = boost::ifind_first(id, marker);
    if (found.empty()) return {};
    const auto rest = id.substr(static_cast<std::size_t>(found.end() - id.begin()));
    return std::string(rest.substr(0, rest.find('/')));
}

std::string subscription_of(std::string_view id) {
    const auto subscription = part_of(id, "subscriptions");
    return subscription.empty() ? std::string() : "/subscriptions/" + subscription;
}

std::string group_of(std::string_view id) {
    const auto group = part_of(id, "resourceGroups");
    return group.empty() ? std::string() : fmt::format("{}/resourceGroups/{}", subscription_of(id), group);
}

std::string name_of(std::string_view id) {
    return std::string(id.substr(id.rfind('/') + 1));
}

bool may_change(const machine::Machine& machine, const Question& question, std::string_view id) {
    const auto access = machine.azure().access();
    const auto is_this = [&](const std::string& named) { return is_same_id(named, id); };
    return access && !access->is_of_vm && std::ranges::any_of(question.azure_allow, is_this);
}

Finding not_told(const Error& error) {
    const auto action = error.kind == ErrorKind::access_denied
                            ? fmt::format(
                                  "Assign the role \"{}\" (manifest/roles) to the identity: 'backup-remediation "
                                  "access' says which actions are missing.",
                                  look_role)
                            : std::string("Run the diagnosis again later; until then look in the portal.");
    return {State::unknown,
            fmt::format("Azure did not tell: {}.", error.message),
            {{"Azure Resource Manager", error.message, "an answer"}},
            action,
            {}};
}

}  // namespace remediations::azure

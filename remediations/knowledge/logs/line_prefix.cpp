#include "remediations/knowledge/logs/line_prefix.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "remediations/machine/clock_time.hpp"

namespace remediations {
namespace {

using namespace std::chrono;
using Time = system_clock::time_point;

/// Reads from the front of a line. Text that does not match is not consumed.
class Cursor {
public:
    explicit Cursor(std::string_view text) : rest_(text) {}

    std::string_view rest() const { return rest_; }

    bool literal(std::string_view text) {
        if (!rest_.starts_with(text)) {
            return false;
        }
        rest_.remove_prefix(text.size());
        return true;
    }

    bool any_of(std::string_view characters) {
        if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

    /// Reads `least` to `most` decimal digits.
    std::optional<std::int64_t> number(std::size_t least, std::size_t most) {
        std::int64_t value = 0;
        std::size_t count = 0;
        for (; count < most && count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count) {
            value = value * 10 + (rest_[count] - '0');
        }
        if (count < least) {
            return std::nullopt;
        }
        rest_.remove_prefix(count);
        return value;
    }

    /// Reads up to `end`, and `end` too; nullopt where the next `most` characters do not contain it.
    std::optional<std::string_view> until(std::string_view end, std::size_t most) {
        const auto place = rest_.substr(0, most).find(end);
        if (place == std::string_view::npos) {
            return std::nullopt;
        }
        const auto found = rest_.substr(0, place);
        rest_.remove_prefix(place + end.size());
        return found;
    }

    /// Reads a name and returns its number in the list, from 1; 0 for none.
    template <std::size_t N>
    unsigned name(const std::array<std::string_view, N>& names) {
        for (unsigned i = 0; i < N; ++i) {
            if (literal(names[i])) {
                return i + 1;
            }
        }
        return 0;
    }

private:
    std::string_view rest_;
};

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekdays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::optional<sys_days> date(std::int64_t year_number, std::int64_t month_number, std::int64_t day_number) {
    const year_month_day value{year(static_cast<int>(year_number)), month(static_cast<unsigned>(month_number)),
                               day(static_cast<unsigned>(day_number))};
    return value.ok() && machine::is_clock_year(year_number) ? std::optional<sys_days>(value) : std::nullopt;
}

struct TimeOfDay {
    system_clock::duration since_midnight{};
    bool has_fraction = false;
};

/// 06:27:55, 06:27:55.66, 06:27:55,660
std::optional<TimeOfDay> time_of_day(Cursor& cursor) {
    const auto hour = cursor.number(1, 2);
    if (!hour || !cursor.literal(":")) {
        return std::nullopt;
    }
    const auto minute = cursor.number(2, 2);
    if (!minute || !cursor.literal(":")) {
        return std::nullopt;
    }
    const auto second = cursor.number(2, 2);
    if (!second || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    TimeOfDay result{hours(*hour) + minutes(*minute) + seconds(*second)};
    Cursor fraction = cursor;
    if (fraction.any_of(".,")) {
        const auto before = fraction.rest().size();
        if (const auto digits = fraction.number(1, 9)) {
            std::int64_t nanosecond_count = *digits;
            for (auto count = before - fraction.rest().size(); count < 9; ++count) {
                nanosecond_count *= 10;
            }
            result.since_midnight += duration_cast<system_clock::duration>(nanoseconds(nanosecond_count));
            result.has_fraction = true;
            cursor = fraction;
        }
    }
    return result;
}

/// Z, +00:00, +0000
std::optional<minutes> zone(Cursor& cursor) {
    if (cursor.literal("Z")) {
        return minutes(0);
    }
    Cursor offset = cursor;
    const int sign = offset.literal("+") ? 1 : offset.literal("-") ? -1 : 0;
    const auto hour = sign != 0 ? offset.number(2, 2) : std::nullopt;
    if (!hour) {
        return std::nullopt;
    }
    offset.literal(":");
    const auto minute = offset.number(2, 2);
    if (!minute) {
        return std::nullopt;
    }
    cursor = offset;
    return sign * (hours(*hour) + minutes(*minute));
}

struct Stamp {
    Time time;
    bool has_fraction = false;
    bool zone_known = false;
};

/// 2024-05-29T05:45:42.987587Z, 2018/03/05 14:31:57, 2024-01-14 22:16:48.792020
std::optional<Stamp> year_first(Cursor& cursor) {
    Cursor next = cursor;
    const auto year_number = next.number(4, 4);
    const bool with_dashes = next.rest().starts_with("-");
    if (!year_number || !next.any_of("-/")) {
        return std::nullopt;
    }
    const auto month_number = next.number(2, 2);
    if (!month_number || !next.any_of("-/")) {
        return std::nullopt;
    }
    const auto day_number = next.number(2, 2);
    if (!day_number || !next.any_of("T ")) {
        return std::nullopt;
    }
    const auto days = date(*year_number, *month_number, *day_number);
    const auto clock = days ? time_of_day(next) : std::nullopt;
    if (!clock) {
        return std::nullopt;
    }
    const auto offset = zone(next);
    // Without a zone only the backup extension writes UTC: "-" and a fraction, or two blanks behind it.
    const bool of_extension = clock->has_fraction && (with_dashes || next.rest().starts_with("  "));
    cursor = next;
    return Stamp{*days + clock->since_midnight - offset.value_or(minutes(0)), clock->has_fraction,
                 offset || of_extension};
}

/// 12/11/2018 06:27:55.66 (month first)
std::optional<Stamp> year_last(Cursor& cursor) {
    Cursor next = cursor;
    const auto month_number = next.number(1, 2);
    if (!month_number || !next.literal("/")) {
        return std::nullopt;
    }
    const auto day_number = next.number(1, 2);
    if (!day_number || !next.literal("/")) {
        return std::nullopt;
    }
    const auto year_number = next.number(4, 4);
    if (!year_number || !next.literal(" ")) {
        return std::nullopt;
    }
    const auto days = date(*year_number, *month_number, *day_number);
    const auto clock = days ? time_of_day(next) : std::nullopt;
    if (!clock) {
        return std::nullopt;
    }
    cursor = next;
    return Stamp{*days + clock->since_midnight, clock->has_fraction};
}

/// Dec 11 06:16:46. The year is the last one in which this is at most a day after the file's last change.
std::optional<Stamp> without_year(Cursor& cursor, const LogClock& clock) {
    Cursor next = cursor;
    const unsigned month_number = next.name(months);
    if (month_number == 0 || !next.literal(" ")) {
        return std::nullopt;
    }
    next.blanks();
    const auto day_number = next.number(1, 2);
    if (!day_number || !next.literal(" ")) {
        return std::nullopt;
    }
    const auto of_day = time_of_day(next);
    if (!of_day) {
        return std::nullopt;
    }
    if (!clock.written) {
        return std::nullopt;
    }
    const auto written_year = static_cast<int>(year_month_day(floor<days>(*clock.written)).year());
    for (int candidate = written_year + 1; candidate > written_year - 5; --candidate) {
        const auto start_of_day = date(candidate, month_number, *day_number);
        if (start_of_day && *start_of_day + of_day->since_midnight <= *clock.written + days(1)) {
            cursor = next;
            return Stamp{*start_of_day + of_day->since_midnight, of_day->has_fraction};
        }
    }
    return std::nullopt;
}

/// The output of "date -u": Mon Nov 18 00:05:10 UTC 2019, Thu May 21 05:04:31 PM UTC 2026, Thu 21 May 2026 05:04:31 PM
/// UTC. Names in other languages are not known.
std::optional<Stamp> of_date_command(Cursor& cursor) {
    Cursor next = cursor;
    if (next.name(weekdays) == 0) {
        return std::nullopt;
    }
    next.literal(",");
    next.blanks();
    unsigned month_number = next.name(months);
    next.blanks();
    const auto day_number = next.number(1, 2);
    next.blanks();
    if (month_number == 0) {
        month_number = next.name(months);
        next.blanks();
    }
    if (month_number == 0 || !day_number) {
        return std::nullopt;
    }
    Cursor year_in_middle = next;
    auto year_number = year_in_middle.number(4, 4);
    if (year_number) {
        next = year_in_middle;
        next.blanks();
    }
    auto of_day = time_of_day(next);
    if (!of_day) {
        return std::nullopt;
    }
    next.blanks();
    const bool afternoon = next.literal("PM ");
    if (afternoon || next.literal("AM ")) {
        const auto half = duration_cast<system_clock::duration>(hours(12));
        of_day->since_midnight = of_day->since_midnight % half + (afternoon ? half : system_clock::duration{});
    }
    if (!next.literal("UTC")) {
        return std::nullopt;
    }
    next.blanks();
    if (!year_number) {
        year_number = next.number(4, 4);
    }
    const auto start_of_day = year_number ? date(*year_number, month_number, *day_number) : std::nullopt;
    if (!start_of_day) {
        return std::nullopt;
    }
    next.literal("-");
    cursor = next;
    return Stamp{*start_of_day + of_day->since_midnight, false, true};
}

/// [   12.345678], seconds since boot.
std::optional<Stamp> since_boot(Cursor& cursor, const LogClock& clock) {
    Cursor next = cursor;
    if (!next.literal("[")) {
        return std::nullopt;
    }
    next.blanks();
    const auto second_count = next.number(1, 9);
    if (!second_count || !next.literal(".")) {
        return std::nullopt;
    }
    const auto microsecond_count = next.number(6, 6);
    if (!microsecond_count || !next.literal("]")) {
        return std::nullopt;
    }
    cursor = next;
    return Stamp{clock.boot ? *clock.boot + seconds(*second_count) + microseconds(*microsecond_count) : Time::min(),
                 true, true};
}

/// type=AVC msg=audit(1364481363.243:24287): ... The prefix stays in the text, because the type is useful.
std::optional<Time> of_audit(std::string_view line) {
    Cursor cursor(line);
    if (!cursor.rest().starts_with("type=") && !cursor.rest().starts_with("node=")) {
        return std::nullopt;
    }
    if (!cursor.until(" msg=audit(", 512)) {
        return std::nullopt;
    }
    const auto second_count = cursor.number(1, 11);
    if (!second_count || !cursor.literal(".")) {
        return std::nullopt;
    }
    const auto millisecond_count = cursor.number(3, 3);
    if (!millisecond_count) {
        return std::nullopt;
    }
    return machine::time_after_1970(seconds(*second_count)) + milliseconds(*millisecond_count);
}

/// "[00000011] ", the number of a thread.
void skip_thread_number(Cursor& cursor) {
    Cursor next = cursor;
    if (next.literal("[") && next.number(8, 8) && next.literal("] ")) {
        cursor = next;
    }
}

}  // namespace

LogLineParts parse_log_line(std::string_view line, const LogClock& clock) {
    LogLineParts parts;
    if (const auto time = of_audit(line)) {
        parts.time = time;
        parts.zone_known = true;
        parts.text = line;
        return parts;
    }
    Cursor cursor(line);
    cursor.literal("\xEF\xBB\xBF");
    skip_thread_number(cursor);
    // A line may have been logged through two or three hands, each of which put its own time before it.
    for (int hand = 0; hand < 4; ++hand) {
        cursor.blanks();
        Cursor next = cursor;
        const bool in_brackets = next.literal("[");
        auto stamp = year_first(next);
        if (!stamp) {
            stamp = year_last(next);
        }
        if (stamp && in_brackets && !next.literal("]")) {
            stamp.reset();
        }
        if (!stamp) {
            next = cursor;
            stamp = of_date_command(next);
        }
        if (!stamp) {
            stamp = without_year(next, clock);
        }
        if (!stamp) {
            stamp = since_boot(next, clock);
        }
        if (!stamp) {
            break;
        }
        // The inner time is nearer to the event, but it may be in the machine's zone while the outer one is not.
        if (stamp->time != Time::min() && (!parts.time || (stamp->zone_known && !parts.zone_known))) {
            parts.time = stamp->time;
            parts.zone_known = stamp->zone_known;
        }
        cursor = next;
        if (hand == 0 && clock.has_host && cursor.literal(" ")) {
            // "host program[pid]: "
            Cursor behind = cursor;
            const auto host = behind.until(" ", 256);
            const auto program = host ? behind.until(": ", 128) : std::nullopt;
            if (program && program->find(' ') == std::string_view::npos) {
                parts.from_kernel = *program == "kernel";
                cursor = behind;
            }
        }
        cursor.blanks();
        Cursor handler = cursor;
        if (handler.literal("[Microsoft.") && handler.until("]", 128)) {
            cursor = handler;
        }
    }
    cursor.blanks();
    parts.text = cursor.rest();
    return parts;
}

}  // namespace remediations

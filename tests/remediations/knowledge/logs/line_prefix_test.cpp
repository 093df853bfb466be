#include "remediations/knowledge/logs/line_prefix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::line_prefix_test {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

system_clock::time_point at(int year_number, unsigned month_number, unsigned day_number, microseconds of_day) {
    return sys_days(year(year_number) / static_cast<int>(month_number) / static_cast<int>(day_number)) + of_day;
}

TEST(LinePrefix, EveryFormatIsReadAndStripped) {
    LogClock plain;
    plain.written = at(2026, 1, 15, 12h);
    plain.boot = at(2026, 1, 10, 1h);
    LogClock with_host = plain;
    with_host.has_host = true;
    const struct {
        const char* line;
        system_clock::time_point time;
        const char* text;
        const LogClock* clock;
    } cases[] = {
        {"2015/09/13 14:44:03 Provisioning image completed", at(2015, 9, 13, 14h + 44min + 3s),
         "Provisioning image completed", &plain},
        {"2018/03/05 14:31:57.742721 INFO Wire server endpoint:168.63.129.16",
         at(2018, 3, 5, 14h + 31min + 57s + 742721us), "INFO Wire server endpoint:168.63.129.16", &plain},
        {"2024-05-29T05:45:42.987587Z INFO ExtHandler [HEARTBEAT] alive", at(2024, 5, 29, 5h + 45min + 42s + 987587us),
         "INFO ExtHandler [HEARTBEAT] alive", &plain},
        {"Dec 11 06:16:46 vm1 python3[812]: 2022-12-15T21:16:46.414141Z ERROR MonitorHandler late",
         at(2022, 12, 15, 21h + 16min + 46s + 414141us), "ERROR MonitorHandler late", &with_host},
        {"Dec 11 06:16:46 vm1 kernel: [   12.5] odd", at(2025, 12, 11, 6h + 16min + 46s), "[   12.5] odd", &with_host},
        {"Jan  5 06:16:46 vm1 kernel: XFS (sda1): frozen", at(2026, 1, 5, 6h + 16min + 46s), "XFS (sda1): frozen",
         &with_host},
        {"2024-05-29T05:45:42+0200 vm1 waagent[123]: started", at(2024, 5, 29, 3h + 45min + 42s), "started",
         &with_host},
        {"2024-05-29T05:45:42.987587+00:00 vm1 kernel: [    1.234567] x", at(2024, 5, 29, 5h + 45min + 42s + 987587us),
         "x", &with_host},
        {"2016/12/10 01:11:00 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]2016-12-10 01:11:00.519872  Info  "
         "starting to enable ",
         at(2016, 12, 10, 1h + 11min + 519872us), "Info  starting to enable ", &plain},
        {"2019/03/01 17:58:35 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]starting daemon",
         at(2019, 3, 1, 17h + 58min + 35s), "starting daemon", &plain},
        {"2019/03/01 17:58:35   File \"main/handle.py\", line 1", at(2019, 3, 1, 17h + 58min + 35s),
         "File \"main/handle.py\", line 1", &plain},
        {"2024-01-14 22:16:48.792020 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]2024-01-14 23:16:45 "
         "****** 2. Binary Freeze Started ",
         at(2024, 1, 14, 22h + 16min + 48s + 792020us), "****** 2. Binary Freeze Started ", &plain},
        {"2024/01/14 22:16:40.123456  Info  T:S doing snapshot now... ", at(2024, 1, 14, 22h + 16min + 40s + 123456us),
         "Info  T:S doing snapshot now... ", &plain},
        {"Mon Nov 18 00:05:10 UTC 2019- 1 returned from handle.py", at(2019, 11, 18, 5min + 10s),
         "1 returned from handle.py", &plain},
        {"Thu May 21 05:04:31 PM UTC 2026- 1 returned from handle.py", at(2026, 5, 21, 17h + 4min + 31s),
         "1 returned from handle.py", &plain},
        {"Thu 21 May 2026 12:04:31 AM UTC- python3 path exists", at(2026, 5, 21, 4min + 31s), "python3 path exists",
         &plain},
        {"[00000011] [12/11/2018 06:27:55.66] [WARN]  Empty DHCP option data returned",
         at(2018, 12, 11, 6h + 27min + 55s + 660ms), "[WARN]  Empty DHCP option data returned", &plain},
        {"[00000018] 2021-01-12T16:35:45Z [INFO]  Driving to new goal state", at(2021, 1, 12, 16h + 35min + 45s),
         "[INFO]  Driving to new goal state", &plain},
        {"\xEF\xBB\xBF"
         "2018-12-04T07:52:28.8611188Z [Error]: Install provider failed",
         at(2018, 12, 4, 7h + 52min + 28s + 861118us) + duration_cast<system_clock::duration>(800ns),
         "[Error]: Install provider failed", &plain},
        {"[90061.000001] EXT4-fs error", at(2026, 1, 11, 2h + 1min + 1s + 1us), "EXT4-fs error", &plain},
        {"type=AVC msg=audit(1700000000.123:42): avc:  denied", at(2023, 11, 14, 22h + 13min + 20s + 123ms),
         "type=AVC msg=audit(1700000000.123:42): avc:  denied", &plain},
    };
    for (const auto& one : cases) {
        const auto parts = parse_log_line(one.line, *one.clock);
        ASSERT_TRUE(parts.time) << one.line;
        EXPECT_EQ(duration_cast<microseconds>(*parts.time - one.time), 0us) << one.line;
        EXPECT_EQ(parts.text, one.text) << one.line;
    }
}

TEST(LinePrefix, WhatIsNoPrefixStays) {
    LogClock clock;
    clock.written = at(2026, 1, 15, 12h);
    for (const std::string_view line :
         {"", "Traceback (most recent call last):", "2024-13-29T05:45:42Z month 13", "2024-02-30 05:45:42 no such day",
          "2024-05-29T25:45:42Z hour 25", "12345", "[12/11/2018", "Mon", "Mon Foo 18 00:05:10 UTC 2019-",
          "Feb 30 01:02:03 host x: y", "type=AVC msg=audit(", "Mon Nov 18 00:05:10 CET 2019- not UTC",
          "9999-05-29T05:45:42Z no such year"}) {
        const auto parts = parse_log_line(line, clock);
        EXPECT_FALSE(parts.time) << line;
        EXPECT_EQ(parts.text, line);
    }
    EXPECT_FALSE(parse_log_line("Dec 11 06:16:46 vm1 x: y", {}).time) << "no year to be had";
    EXPECT_FALSE(parse_log_line("[   12.345678] x", {}).time) << "no boot time to be had";
    EXPECT_EQ(parse_log_line("[   12.345678] x", {}).text, "x");
}

TEST(LinePrefix, NothingCutAnywhereIsReadBeyondItsEnd) {
    const std::string lines[] = {
        "[00000011] [12/11/2018 06:27:55.66] [WARN]  text",
        "Thu 21 May 2026 12:04:31 AM UTC- text",
        "2016/12/10 01:11:00 [Microsoft.Azure.RecoveryServices.VMSnapshotLinux-1.0]2016-12-10 01:11:00.519872  Info",
        "Dec 11 06:16:46 vm1 kernel: [   12.345678] text",
        "type=AVC msg=audit(1700000000.123:42): avc",
    };
    LogClock clock;
    clock.written = at(2026, 1, 15, 12h);
    clock.has_host = true;
    for (const auto& line : lines) {
        for (std::size_t length = 0; length <= line.size(); ++length) {
            // A copy of just this length, so that a sanitizer sees a step too far.
            const std::vector<char> cut(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(length));
            const auto parts = parse_log_line({cut.data(), cut.size()}, clock);
            EXPECT_LE(parts.text.size(), length);
        }
    }
}

}  // namespace
}  // namespace remediations::line_prefix_test

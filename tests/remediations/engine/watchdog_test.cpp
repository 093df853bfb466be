#include "remediations/engine/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "remediations/machine/machine.hpp"
#include "remediations/machine/time_limit.hpp"

namespace remediations::watchdog_test {
namespace {

using namespace std::chrono_literals;

const WatchLimits short_limits{.threads = 4, .each = 300ms, .all = 5s, .look_every = 10ms};

std::string name_of(std::size_t index) {
    return "number " + std::to_string(index);
}

TEST(Watchdog, EachIsAskedOnce) {
    const machine::Machine machine{machine::MachineParts{}};
    const auto asked = std::make_shared<std::atomic<int>>(0);
    const auto findings = watched_findings(
        machine, 100,
        [asked](const machine::Machine&, std::size_t index) {
            ++*asked;
            return Finding::healthy(name_of(index));
        },
        name_of);
    ASSERT_EQ(findings.size(), 100u);
    EXPECT_EQ(*asked, 100);
    for (std::size_t index = 0; index < findings.size(); ++index) EXPECT_EQ(findings[index].summary, name_of(index));
    EXPECT_TRUE(watched_findings(machine, 0, {}, name_of).empty());
    EXPECT_EQ(machine::threads_left_behind(), 0u);
}

TEST(Watchdog, OnesThatHangAreUnknownAndTheOthersAreTold) {
    const machine::Machine machine{machine::MachineParts{}};
    const auto release = std::make_shared<std::atomic<bool>>(false);
    const auto begin = std::chrono::steady_clock::now();
    const auto before = machine::threads_left_behind();
    // More of them than threads.
    const auto findings = watched_findings(
        machine, 20,
        [release](const machine::Machine& of, std::size_t index) {
            while (index < 6 && !*release) std::this_thread::sleep_for(5ms);
            (void)of;
            return Finding::healthy("looked");
        },
        name_of, short_limits);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
    for (std::size_t index = 0; index < 20; ++index) {
        EXPECT_EQ(findings[index].state, index < 6 ? State::unknown : State::healthy) << index;
    }
    EXPECT_EQ(machine::threads_left_behind() - before, 6u);
    *release = true;
    std::this_thread::sleep_for(50ms);  // they end, and what they use is still there
}

TEST(Watchdog, AllTogetherHaveALimitToo) {
    const machine::Machine machine{machine::MachineParts{}};
    const auto release = std::make_shared<std::atomic<bool>>(false);
    auto limits = short_limits;
    limits.each = 60s;
    limits.all = 500ms;
    const auto findings = watched_findings(
        machine, 8,
        [release](const machine::Machine&, std::size_t index) {
            while (index % 2 == 0 && !*release) std::this_thread::sleep_for(5ms);
            return Finding::healthy("looked");
        },
        name_of, limits);
    EXPECT_EQ(findings[0].state, State::unknown);
    EXPECT_EQ(findings[1].state, State::healthy);
    *release = true;
    std::this_thread::sleep_for(50ms);
}

}  // namespace
}  // namespace remediations::watchdog_test

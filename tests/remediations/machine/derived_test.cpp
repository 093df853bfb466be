#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "remediations/machine/machine.hpp"

namespace machine::derived_test {
namespace {

struct Number {
    int value = 0;
};

Machine empty_machine() {
    return Machine(MachineParts{});
}

TEST(Derived, IsMadeOnceUntilItIsForgotten) {
    auto machine = empty_machine();
    int made = 0;
    machine.derive_by<Number>([&](const Machine&) { return std::make_shared<const Number>(Number{++made}); });
    EXPECT_EQ(machine.derived<Number>().value, 1);
    EXPECT_EQ(machine.alias()->derived<Number>().value, 1) << "the same machine";
    machine.forget_derived();
    EXPECT_EQ(machine.derived<Number>().value, 2);
}

TEST(Derived, IsMadeAnewWhereTheFirstFailed) {
    auto machine = empty_machine();
    int made = 0;
    machine.derive_by<Number>([&](const Machine&) -> std::shared_ptr<const Number> {
        if (++made == 1) throw std::runtime_error("no");
        return std::make_shared<const Number>(Number{made});
    });
    EXPECT_THROW((void)machine.derived<Number>(), std::runtime_error);
    EXPECT_EQ(machine.derived<Number>().value, 2);
}

TEST(Derived, NobodyWaitsForOneThatIsNeverMade) {
    auto machine = empty_machine();
    std::promise<void> release;
    std::promise<void> begun;
    std::atomic<int> made = 0;
    machine.derive_by<Number>([&](const Machine&) {
        if (++made == 1) {
            begun.set_value();
            release.get_future().wait();
        }
        return std::make_shared<const Number>(Number{made});
    });
    const auto alias = machine.alias();
    int value = 0;
    std::thread stuck([&] { value = alias->derived<Number>().value; });
    begun.get_future().wait();
    std::thread waiting([&] { EXPECT_THROW((void)machine.derived<Number>(), std::runtime_error); });
    machine.keep_derived();
    waiting.join();
    machine.forget_derived();
    EXPECT_EQ(machine.derived<Number>().value, 2) << "after a change it is another";
    release.set_value();
    stuck.join();
    EXPECT_GT(value, 0) << "what the one left behind uses is still there";
}

}  // namespace
}  // namespace machine::derived_test

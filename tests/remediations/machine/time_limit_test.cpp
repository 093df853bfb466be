#include "remediations/machine/time_limit.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <new>
#include <thread>
#include <vector>

namespace machine::time_limit_test {
namespace {

using namespace std::chrono_literals;

TEST(TimeLimit, GivesWhatTheCallGives) {
    EXPECT_EQ(*with_time_limit<int>(20s, "count", [] { return Result<int>(7); }), 7);
    EXPECT_TRUE(with_time_limit<void>(20s, "count", [] { return Result<void>(); }));
    const Error error = machine::Error::refused("no", 3);
    EXPECT_EQ(with_time_limit<int>(20s, "count", [&] { return Result<int>(error); }).error(), error);
}

TEST(TimeLimit, LeavesACallBehindThatTakesTooLong) {
    const auto release = std::make_shared<std::promise<void>>();
    const auto start = std::chrono::steady_clock::now();
    const auto answer = with_time_limit<int>(100ms, "count", [release]() -> Result<int> {
        release->get_future().wait();
        return 7;
    });
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
    EXPECT_EQ(answer.error().kind, ErrorKind::timed_out);
    EXPECT_EQ(answer.error().message, "cannot count: no answer within 100 ms");
    release->set_value();
}

TEST(TimeLimit, ThrowsWhatTheCallThrows) {
    EXPECT_THROW((void)with_time_limit<int>(20s, "count", []() -> Result<int> { throw std::bad_alloc(); }),
                 std::bad_alloc);
}

// A thread that is detached just as it ends breaks others under MinGW.
TEST(TimeLimit, ServesManyAtOnce) {
    std::atomic<int> sum = 0;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 8; ++thread) {
            threads.emplace_back([&] {
                for (int i = 0; i < 500; ++i) sum += *with_time_limit<int>(20s, "count", [] { return Result<int>(1); });
            });
        }
    }
    EXPECT_EQ(sum, 8 * 500);
}

}  // namespace
}  // namespace machine::time_limit_test

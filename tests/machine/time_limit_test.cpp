#include "remediations/machine/time_limit.hpp"

#include <gmock/gmock.h>

#include <memory>

namespace machine {
namespace {

using namespace std::chrono_literals;

TEST(TimeLimit, GivesWhatTheCallGives) {
    EXPECT_EQ(*with_time_limit<int>(20s, "count", [] { return Result<int>(7); }), 7);
    EXPECT_TRUE(with_time_limit<void>(20s, "count", [] { return Result<void>(); }));
    const Error error{ErrorKind::refused, "no", 3};
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

}  // namespace
}  // namespace machine

#include "remediations/machine/local/thread_priority.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace machine::local {
namespace {

/// Nice value, and class of the disk's scheduler (ioprio_set(2)), of this thread.
std::pair<int, long> priority() {
    return {::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())), ::syscall(SYS_ioprio_get, 1, 0) >> 13};
}

TEST(ThreadPriority, LowersThisThreadAlone) {
    constexpr long idle = 3;
    const auto before = priority();
    std::pair<int, long> lowered;
    std::thread([&] {
        let_others_go_first();
        lowered = priority();
    }).join();
    EXPECT_EQ(lowered, std::pair(10, idle));
    EXPECT_EQ(priority(), before);
}

}  // namespace
}  // namespace machine::local

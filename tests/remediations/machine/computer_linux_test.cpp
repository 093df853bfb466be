#include "remediations/machine/local/computer.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace machine::local::computer_linux_test {
namespace {

TEST(Computer, IsWhatTheKernelTells) {
    const auto computer = this_computer();
    double uptime = 0;
    std::ifstream("/proc/uptime") >> uptime;
    EXPECT_NEAR(static_cast<double>(computer.uptime.count()), uptime, 2);
    std::string boot;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
    EXPECT_EQ(computer.boot, boot);
    EXPECT_EQ(this_computer().id, computer.id);
}

}  // namespace
}  // namespace machine::local::computer_linux_test

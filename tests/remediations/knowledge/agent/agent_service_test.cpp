#include "remediations/knowledge/agent/agent_service.hpp"

#include <gtest/gtest.h>

namespace remediations::agent_service_test {
namespace {

TEST(DecisiveLine, IsTheLastThatNamesACause) {
    EXPECT_EQ(decisive_line({"Started Azure Linux Agent.", "Traceback (most recent call last):",
                             "ModuleNotFoundError: No module named 'azurelinuxagent'",
                             "walinuxagent.service: Main process exited, code=exited, status=1/FAILURE"}),
              "ModuleNotFoundError: No module named 'azurelinuxagent'");
    EXPECT_EQ(decisive_line({"OSError: [Errno 28] No space left on device", "ImportError: x", "Stopped."}),
              "ImportError: x");
    EXPECT_EQ(decisive_line({"azurelinuxagent.common.exception.AgentConfigError: [AgentConfigError] empty", "z"}),
              "azurelinuxagent.common.exception.AgentConfigError: [AgentConfigError] empty");
    EXPECT_EQ(decisive_line({"/usr/bin/env: 'python': No such file or directory", "Stopped."}),
              "/usr/bin/env: 'python': No such file or directory");
}

TEST(DecisiveLine, OtherwiseIsTheLast) {
    EXPECT_EQ(decisive_line({"a", "The Error: of somebody", "b"}), "b");
    EXPECT_EQ(decisive_line({}), "");
}

}  // namespace
}  // namespace remediations::agent_service_test

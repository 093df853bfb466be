#include "remediations/knowledge/agent/agent_version.hpp"

#include <gtest/gtest.h>

namespace remediations::agent_version_test {
namespace {

TEST(AgentVersion, IsFoundWhereverItStands) {
    EXPECT_EQ(agent_version_in("python3 -u bin/WALinuxAgent-2.9.1.1-py3.8.egg -run-exthandlers"), "2.9.1.1");
    EXPECT_EQ(agent_version_in("__requires__ = 'WALinuxAgent==2.7.3.0'"), "2.7.3.0");
    EXPECT_EQ(agent_version_in("AGENT_VERSION = '2.15.0.1'"), "2.15.0.1");
    EXPECT_EQ(agent_version_in("GuestAgentVersion = \"WALinuxAgent-2.0.16\""), "2.0.16");
    EXPECT_EQ(agent_version_in("/var/lib/waagent/WALinuxAgent-2.11.1.4"), "2.11.1.4");
    EXPECT_EQ(agent_version_in("WALinuxAgent-2.11.1.4."), "2.11.1.4");
    EXPECT_EQ(agent_version_in("WALinuxAgent-next, WALinuxAgent-2.2.46"), "2.2.46");
}

TEST(AgentVersion, IsNotInventedFromOtherText) {
    for (const auto* text : {"", "WALinuxAgent", "WALinuxAgent-", "WALinuxAgent-.", "WALinuxAgent-..1",
                             "WALinuxAgent-7", "WALinuxAgent-py3.8.egg", "AGENT_VERSION = VERSION"}) {
        EXPECT_EQ(agent_version_in(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace remediations::agent_version_test

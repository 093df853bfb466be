#include "remediations/knowledge/windows/dotnet_release.hpp"

#include <gtest/gtest.h>

namespace remediations::dotnet_release_test {
namespace {

TEST(DotnetRelease, NamesTheNewestVersionThatIsNotNewer) {
    EXPECT_EQ(version_of_dotnet(0), "4");
    EXPECT_EQ(version_of_dotnet(dotnet_4_5 - 1), "4");
    EXPECT_EQ(version_of_dotnet(dotnet_4_5), "4.5");
    EXPECT_EQ(version_of_dotnet(378758), "4.5.1") << "the number of Windows 7";
    EXPECT_EQ(version_of_dotnet(528372), "4.8");
    EXPECT_EQ(version_of_dotnet(999999), "4.8.1");
}

}  // namespace
}  // namespace remediations::dotnet_release_test

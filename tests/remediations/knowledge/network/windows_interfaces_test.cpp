#include "remediations/knowledge/network/windows_interfaces.hpp"

#include <gtest/gtest.h>

namespace remediations::windows_interfaces_test {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// As Windows stores them: option 53 with one byte, filled up to four; option 245; option 252 without content.
const Bytes options{53,  0,   0,   0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 23, 182, 87,  5,   0,   0,
                    0,   245, 0,   0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,  51, 23,  182, 87,  168, 63,
                    129, 16,  252, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  51,  23,  182, 87};

TEST(DhcpOptions, AreFoundByTheirNumber) {
    const auto found = parse_dhcp_options(options);
    EXPECT_EQ(found.size(), 2U);
    EXPECT_EQ(found.at(53), Bytes{5});
    EXPECT_EQ(found.at(245), (Bytes{168, 63, 129, 16}));
}

TEST(DhcpOptions, SurviveWhatDoesNotFit) {
    for (std::size_t length = 0; length <= options.size(); ++length) {
        (void)parse_dhcp_options({options.begin(), options.begin() + static_cast<std::ptrdiff_t>(length)});
    }
    auto endless = options;
    endless[8] = endless[9] = endless[10] = endless[11] = 0xFF;
    EXPECT_TRUE(parse_dhcp_options(endless).empty());
    EXPECT_TRUE(parse_dhcp_options(Bytes(1000, 0xFF)).empty());
}

}  // namespace
}  // namespace remediations::windows_interfaces_test

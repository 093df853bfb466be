#include "remediations/knowledge/network/windows_proxy.hpp"

#include <gtest/gtest.h>

namespace remediations::windows_proxy_test {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes direct{0x18, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
const Bytes through_proxy{0x46, 0,   0,   0,   9,   0, 0, 0, 3, 0,   0,   0,   4, 0, 0,
                          0,    'p', ':', '8', '0', 3, 0, 0, 0, '*', '.', 'y', 1, 2, 3};

TEST(ProxySettings, AreReadAndWrittenBackAsTheyWere) {
    const auto none = parse_proxy_settings(direct);
    ASSERT_TRUE(none);
    EXPECT_FALSE(none->uses_proxy());
    EXPECT_EQ(to_bytes(*none), direct);

    const auto some = parse_proxy_settings(through_proxy);
    ASSERT_TRUE(some);
    EXPECT_TRUE(some->uses_proxy());
    EXPECT_EQ(some->counter, 9U);
    EXPECT_EQ(some->proxy, "p:80");
    EXPECT_EQ(some->bypass, "*.y");
    EXPECT_EQ(some->rest, (Bytes{1, 2, 3}));
    EXPECT_EQ(to_bytes(*some), through_proxy);
}

TEST(ProxySettings, ThatAreCutShortAreRefused) {
    for (std::size_t length = 0; length + 3 < through_proxy.size(); ++length) {
        const Bytes cut(through_proxy.begin(), through_proxy.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_FALSE(parse_proxy_settings(cut)) << length;
    }
    auto too_long = through_proxy;
    too_long[15] = 0xFF;
    EXPECT_FALSE(parse_proxy_settings(too_long));
}

TEST(Bypass, IsAListOfPatterns) {
    constexpr auto address = "168.63.129.16";
    for (const auto* list : {"168.63.129.16", "a;168.63.129.16", " 168.63.* ", "168.*;b", "*", "<local>;*.16",
                             "http://168.63.129.16", "10.*\t168.63.129.16"}) {
        EXPECT_TRUE(bypasses(list, address)) << list;
    }
    for (const auto* list : {"", "<local>", "168.63.129.1", "168.63.129.161", "*.17", ";;;", "10.*"}) {
        EXPECT_FALSE(bypasses(list, address)) << list;
    }
    std::string stars(2000, '*');
    for (std::size_t place = 1; place < stars.size(); place += 2) stars[place] = '1';
    EXPECT_FALSE(bypasses(stars, address)) << "it must come to an end";
}

}  // namespace
}  // namespace remediations::windows_proxy_test

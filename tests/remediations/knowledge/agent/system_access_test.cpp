#include "remediations/knowledge/agent/system_access.hpp"

#include <gtest/gtest.h>

namespace remediations::system_access_test {
namespace {

using machine::file_all_access;
using machine::file_read;
using machine::file_write;

std::uint32_t rights(const char* sddl) {
    return rights_of_system(machine::parse_security_descriptor(sddl).value());
}

bool may(const char* sddl, std::uint32_t wanted) {
    return (rights(sddl) & wanted) == wanted;
}

TEST(RightsOfSystem, AddUpOverItsGroups) {
    EXPECT_TRUE(may("O:SYG:SYD:PAI(A;;0x12019f;;;WD)(A;;FA;;;BA)", file_all_access));
    EXPECT_TRUE(may("D:(A;;FR;;;SY)(A;;FW;;;AU)", file_read | file_write));
    EXPECT_TRUE(may("D:(A;;GA;;;SY)", file_all_access));
    EXPECT_TRUE(may("D:(A;;GR;;;WD)", file_read));
    EXPECT_FALSE(may("D:(A;;GR;;;WD)", file_write));
    EXPECT_FALSE(may("D:(A;;FA;;;BU)(A;;FA;;;S-1-5-21-1-2-3-500)", file_read));
    EXPECT_TRUE(may("D:NO_ACCESS_CONTROL", file_all_access)) << "without a list everybody may do everything";
    EXPECT_EQ(rights("D:"), 0U) << "with an empty one, nobody may";
}

TEST(RightsOfSystem, TheFirstEntryDecides) {
    EXPECT_FALSE(may("D:(D;;FW;;;SY)(A;;FA;;;SY)", file_write));
    EXPECT_FALSE(may("D:(D;;FA;;;WD)(A;;FA;;;SY)", file_read));
    EXPECT_TRUE(may("D:(A;;FA;;;SY)(D;;FA;;;WD)", file_all_access)) << "what is allowed already stays so";
    EXPECT_TRUE(may("D:(D;;FA;;;S-1-5-21-1-2-3-1001)(A;;FA;;;SY)", file_all_access)) << "another user";
}

TEST(RightsOfSystem, EntriesForChildrenSayNothing) {
    EXPECT_FALSE(may("D:(A;OICIIO;FA;;;SY)", file_read));
    EXPECT_TRUE(may("D:(D;OICIIO;FA;;;SY)(A;;FA;;;SY)", file_all_access));
}

std::string repaired(const std::string& sddl, bool inherit = false) {
    const auto text = with_full_control_for_system(sddl, inherit);
    return text ? *text : "error: " + text.error().message;
}

TEST(FullControlForSystem, IsAddedAndTheRestStays) {
    EXPECT_EQ(repaired("O:BAG:SYD:PAI(A;OICI;FA;;;S-1-5-21-1-2-3-500)(A;ID;0x1200a9;;;WD)"),
              "O:BAG:SYD:PAI(A;;FA;;;SY)(A;OICI;FA;;;S-1-5-21-1-2-3-500)(A;ID;0x1200a9;;;WD)");
    EXPECT_EQ(repaired("O:BAG:SYD:(D;;FA;;;BG)(A;;FA;;;BA)", true),
              "O:BAG:SYD:(D;;FA;;;BG)(A;OICI;FA;;;SY)(A;;FA;;;BA)")
        << "denials come first";
    EXPECT_EQ(repaired("O:BAG:SYD:PAI"), "O:BAG:SYD:PAI(A;;FA;;;SY)");
    EXPECT_EQ(repaired("O:BAG:SYD:PAIS:(AU;SAFA;FA;;;WD)"), "O:BAG:SYD:PAI(A;;FA;;;SY)");
}

TEST(FullControlForSystem, DenialsOfItGo) {
    EXPECT_EQ(repaired("O:SYG:SYD:(D;;FW;;;SY)(D;;FA;;;WD)(D;;FA;;;BG)(A;;FR;;;WD)"),
              "O:SYG:SYD:(D;;FA;;;BG)(A;;FA;;;SY)(A;;FR;;;WD)");
    EXPECT_EQ(repaired("O:SYG:SYD:(D;OICIIO;FA;;;SY)"), "O:SYG:SYD:(D;OICIIO;FA;;;SY)(A;;FA;;;SY)")
        << "those for children do not concern it";
}

TEST(FullControlForSystem, WhatIsRepairedIsOpen) {
    for (const auto* sddl : {"O:BAG:SYD:PAI(A;OICI;FA;;;S-1-5-21-1-2-3-500)", "D:(D;;FA;;;WD)(D;;FA;;;SY)(A;;FR;;;BA)",
                             "O:SYG:SYD:(XA;;FX;;;WD;(WIN://SYSAPPID Contains \"a(b)\"))(D;;FA;;;BA)"}) {
        const auto text = repaired(sddl);
        EXPECT_TRUE(may(text.c_str(), file_all_access)) << text;
    }
}

TEST(FullControlForSystem, RefusesWhatIsNoSecurityDescriptor) {
    for (const auto* garbage : {"", "garbage", "D:(A;;FA;;;SY", "D:(((((", "O:SYG:SY", "D:NO_ACCESS_CONTROL"}) {
        EXPECT_TRUE(repaired(garbage).starts_with("error: ")) << garbage << ": " << repaired(garbage);
    }
}

}  // namespace
}  // namespace remediations::system_access_test

#include "handler/report/page.hpp"

#include <gtest/gtest.h>

namespace handler::page_test {
namespace {

TEST(Page, ANumberOfAnyLengthStandsBesideItsText) {
    Page page({.width = 40});
    page.numbered(2, 9, "Restart the guest agent, then start the backup again.");
    page.numbered(2, 10, "Restart the guest agent, then start the backup again.");
    EXPECT_EQ(std::move(page).text(),
              "  9. Restart the guest agent, then start\n"
              "     the backup again.\n"
              "  10. Restart the guest agent, then\n"
              "      start the backup again.\n");
}

}  // namespace
}  // namespace handler::page_test

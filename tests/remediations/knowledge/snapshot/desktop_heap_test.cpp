#include "remediations/knowledge/snapshot/desktop_heap.hpp"

#include <gtest/gtest.h>

namespace remediations::desktop_heap_test {
namespace {

constexpr auto subsystem =
    R"(%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024,20480,768 Windows=On)";

TEST(DesktopHeap, IsTheThirdNumber) {
    EXPECT_EQ(service_desktop_heap(subsystem), 768U);
    EXPECT_EQ(service_desktop_heap("sharedsection=1,2,3"), 3U);
}

TEST(DesktopHeap, ChangesNothingElse) {
    EXPECT_EQ(with_service_desktop_heap(subsystem, 4096),
              R"(%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024,20480,4096 Windows=On)");
    EXPECT_EQ(with_service_desktop_heap("SharedSection=1024,20480,512", 4096), "SharedSection=1024,20480,4096");
}

TEST(DesktopHeap, IsLeftAloneWhereItIsNotUnderstood) {
    for (const auto* text :
         {"", "SharedSection=", "SharedSection=1024", "SharedSection=1024,20480", "SharedSection=1024,20480,",
          "SharedSection=1024,20480,768,1", "SharedSection=1024,20480,768x", "SharedSection=a,b,c",
          "SharedSection=1024, 20480, 768", "SharedSection=1024,20480,99999999999999999999", "Windows=On"}) {
        EXPECT_FALSE(service_desktop_heap(text)) << text;
        EXPECT_FALSE(with_service_desktop_heap(text, 4096)) << text;
    }
}

}  // namespace
}  // namespace remediations::desktop_heap_test

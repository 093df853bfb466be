// Freezes real file systems on loop devices, in a mount namespace of its own. Needs root.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdio>

int main(int count, char** values) {
    testing::InitGoogleTest(&count, values);
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        std::perror("test-freeze: no mount namespace of its own; needs root");
        return 1;
    }
    return RUN_ALL_TESTS();
}

// A module for the tests of the engine: says something on both streams and waits to be told to end. Linked statically, so that
// an image of it needs nothing else.

#include <unistd.h>

#include <csignal>
#include <cstring>

namespace {
void say(int fd, const char* text) {
    if (::write(fd, text, std::strlen(text)) < 0) ::_exit(2);
}
void end(int /*signal*/) { ::_exit(0); }
}  // namespace

int main(int argc, char** /*argv*/) {
    std::signal(SIGTERM, end);
    say(1, "first\n");
    say(2, "second\n");
    if (argc > 1) return 3;
    for (;;) ::pause();
}

// hubctl: the command line of the cloud side. All of it is in cli/hubctl.
#include "cli/hubctl/hubctl.h"

int main(int argc, char** argv) {
    return selvage::cli::hubctl::run(argc, argv);
}

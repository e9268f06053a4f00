/* The program's own constants, as plan --calibrate measured them once: best of many calls on two quiet cores. */
#include "src/machine.h"

#define GFLOPS(a, b, c, d, e, f, g) {a * 1e9, b * 1e9, c * 1e9, d * 1e9, e * 1e9, f * 1e9, g * 1e9}
#define NS(call, element) {call * 1e-9, element * 1e-9}

static const struct moe_machine shipped = {
    .origin = "the program's own, measured on 2 cores of an x86-64 with AVX-512 (plan --calibrate measures yours)",
    .cores = 1e6, /* enough: one for each rank */
    .memory = 2.528e+10,
    .cache = 1.678e+07,
    .process = 2.442e+07,
    .rate = {[MOE_PRODUCT_MAP] = {GFLOPS(1.797, 5.928, 16.83, 31.06, 39.16, 41.8, 42.65),
                                   GFLOPS(4.361, 16.09, 45.91, 87.46, 117.8, 129.2, 132.9),
                                   GFLOPS(42.54, 97.53, 109.3, 134.7, 167.6, 178.7, 179.1),
                                   GFLOPS(78.1, 144.8, 156.9, 160.3, 195, 208.7, 203.9),
                                   GFLOPS(67.78, 188.1, 99.28, 170.2, 207.6, 219.2, 218.6),
                                   GFLOPS(61.79, 215.7, 102.6, 177.7, 216.8, 228.9, 219.8),
                                   GFLOPS(59.99, 34.3, 95.87, 174.5, 218, 231.3, 218.7)},
             [MOE_PRODUCT_GRADIENT] = {GFLOPS(2.24, 8.358, 24.6, 44.91, 55.03, 59.95, 62.02),
                                        GFLOPS(26.75, 77.56, 149, 198.3, 209.1, 216.9, 124.2),
                                        GFLOPS(56.52, 151.7, 217.2, 238.5, 242.3, 143.3, 137.4),
                                        GFLOPS(88.68, 180.9, 226.8, 242.6, 178.6, 182.4, 173.1),
                                        GFLOPS(61.35, 185.2, 225.8, 192, 201.1, 195, 192.1),
                                        GFLOPS(80.86, 185, 181.4, 214.8, 218.6, 217.3, 210),
                                        GFLOPS(26.64, 98.27, 176.5, 212.3, 221.2, 222.2, 210.4)}},
    .work = {[MOE_WORK_COPY] = NS(4.86, 0.03285),
             [MOE_WORK_FAR] = NS(0, 0.174),
             [MOE_WORK_NORM] = NS(13.33, 0.1607),
             [MOE_WORK_NORM_BACKWARD] = NS(8.305, 0.1731),
             [MOE_WORK_SOFTMAX] = NS(51.48, 0.2233),
             [MOE_WORK_SOFTMAX_BACKWARD] = NS(19.62, 0.05438),
             [MOE_WORK_LOSS] = NS(22.28, 1.488),
             [MOE_WORK_GELU] = NS(0.2797, 0.2802),
             [MOE_WORK_GELU_BACKWARD] = NS(17.73, 0.3088),
             [MOE_WORK_ROUTE] = NS(94.85, 0.9228),
             [MOE_WORK_ROUTE_BACKWARD] = NS(54.9, 0.7751),
             [MOE_WORK_ADAMW] = NS(6.655, 0.1458),
             [MOE_WORK_POINT] = NS(2262, 119.2),
             [MOE_WORK_TARGET] = NS(0, 22.14),
             [MOE_WORK_IMAGE] = NS(0, 0.3661),
             [MOE_WORK_TEXT] = NS(17.92, 0.4993),
             [MOE_WORK_COUNT] = NS(240.6, 18.08),
             [MOE_WORK_MERGE] = NS(0, 122.5)},
    .file = NS(4.402e+05, 0.68238),
    .exchanges = 2,
    .ranks = {1, 2},
    .exchange = {NS(0, 0.015), NS(1243, 0.07118)},
    .network = NS(2000, 0.1), /* assumed: no network was there to measure */
};

void moe_machine_default(struct moe_machine *machine)
{
    *machine = shipped;
}

/* The number type of the model: float, or double in the build that the gradient checks use. */
#ifndef MOE_REAL_H
#define MOE_REAL_H

#ifdef MOE_DOUBLE
typedef double moe_real;
#else
typedef float moe_real;
#endif

#endif

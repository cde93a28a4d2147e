/*
 * dispatch.c
 *	  The choice of an instruction set level at run time.
 *
 * Levels follow the x86-64 psABI: v3 is AVX2 with FMA, v4 is AVX-512 F, BW, CD,
 * DQ and VL.  __builtin_cpu_supports also asks whether the operating system
 * saves the wide registers.  Other architectures have `base` only.
 */
#include "core/base/dispatch.h"

#include <stdlib.h>
#include <string.h>

const reco_kernels *
reco_kernels_named(const char *name)
{
#ifdef __x86_64__
	bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
			  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
	bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
			  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
			  __builtin_cpu_supports("avx512vl");

	if (v4 && strcmp(name, "v4") == 0)
		return &reco_kernels_v4;
	if (v3 && strcmp(name, "v3") == 0)
		return &reco_kernels_v3;
#endif
	if (strcmp(name, "base") == 0)
		return &reco_kernels_base;
	return NULL;
}

const reco_kernels *
reco_kernels_best(void)
{
	const char *wanted = getenv("RECO_ISA");
	const reco_kernels *k = wanted ? reco_kernels_named(wanted) : NULL;

	if (k == NULL)
		k = reco_kernels_named("v4");
	if (k == NULL)
		k = reco_kernels_named("v3");
	if (k == NULL)
		k = reco_kernels_named("base");
	return k;
}

/*
 * table.c
 *	  One level's functions, collected.
 */
#include "core/isa/kernels.h"

const reco_kernels RECO_NAME(reco_kernels) = {
	.name = RECO_LEVEL,
	.bit_sums = RECO_NAME(reco_bit_sums),
	.pair_scan = RECO_NAME(reco_pair_scan),
	.syrk = RECO_NAME(reco_syrk),
	.potrf = RECO_NAME(reco_potrf),
	.potrs = RECO_NAME(reco_potrs),
	.gather = RECO_NAME(reco_gather),
	.axpy = RECO_NAME(reco_axpy),
	.dot = RECO_NAME(reco_dot),
	.rotate = RECO_NAME(reco_rotate),
	.als_pass = RECO_NAME(reco_als_pass),
	.als_pack = RECO_NAME(reco_als_pack),
	.cg_diagonal = RECO_NAME(reco_cg_diagonal),
	.cg_scale = RECO_NAME(reco_cg_scale),
	.cg_bound = RECO_NAME(reco_cg_bound),
	.cg_add = RECO_NAME(reco_cg_add),
	.als_residual = RECO_NAME(reco_als_residual),
	.products_float = RECO_NAME(reco_products_float),
	.moments = RECO_NAME(reco_moments),
	.distance = RECO_NAME(reco_distance),
	.above = RECO_NAME(reco_above),
	.lines_take = RECO_NAME(reco_lines_take),
	.lines_range = RECO_NAME(reco_lines_range),
	.lines_squares = RECO_NAME(reco_lines_squares),
	.lines_mean = RECO_NAME(reco_lines_mean),
	.code_scan = RECO_NAME(reco_code_scan),
};

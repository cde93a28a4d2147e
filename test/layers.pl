#!/usr/bin/env perl
#
# Whether the house is as doc/design.md says: the table there names the rooms of src, the
# upper ones first, and the files of each.
#
#   - a file lies in a room, and the table names it there, but for what an algorithm of the
#     registry is made of: NAME or NAME_* in src/model and in the rooms of src/core;
#   - it includes files of its own room and of rooms below, of none above or beside;
#   - includes between files of a room do not go in circles (a file and its header are one);
#   - a file has at most 600 lines, and a function 80.
#
# Prints what does not hold, and "N passed, N failed": a file each.
use strict;
use warnings;
use File::Find;

my $page = shift // 'doc/design.md';
my $most_lines = 600;
my $longest = 80; # lines of a function, from { to }
my $registry = 'src/model/algorithms.h';
my (@rooms, %floor, %named);

open my $in, '<', $page or die "$page: $!\n";
while (<$in>)
{
	next unless /^\| `(src(?:\/[a-z\/]+)?)` \|[^|]*\|([^|]*)\|/;
	my ($room, $files) = ($1, $2);
	push @rooms, $room;
	$floor{$room} = -@rooms;
	$named{$room} = [ map { s/\*/[a-z0-9_]*/gr } $files =~ /`([a-z0-9_*]+)`/g ];
}
close $in;
die "$page names no rooms\n" unless @rooms;

open $in, '<', $registry or die "$registry: $!\n";
my $algorithm = join '|', map { /^RECO_ALGORITHM\((\w+)\)/ } <$in>;
close $in;
die "$registry lists no algorithms\n" unless $algorithm;

my (%includes, %room_of, %problem, @files);
find({ no_chdir => 1, wanted => sub { push @files, $_ if /\.[ch]$/ && -f } }, 'src');
for my $file (sort @files)
{
	my ($room, $name) = $file =~ m{^(.*)/([^/]+)\.[ch]$};
	my $lines = 0;
	my ($head, $begin) = ('');    # of the function that is being read

	$problem{$file} = [];
	$room_of{$file} = $room;
	push @{ $problem{$file} }, "$room is no room" unless $floor{$room};
	push @{ $problem{$file} }, "$page does not name it"
	  unless $file =~ /\.h$/ || (grep { $name =~ /^$_$/ } @{ $named{$room} // [] })
	  || ($room =~ m{^src/(model$|core/)} && $name =~ /^(?:$algorithm)(?:_\w+)?$/);
	open my $source, '<', $file or die "$file: $!\n";
	while (<$source>)
	{
		$lines++;
		push @{ $includes{$file} }, "src/$1" if /^#include "([^"]+)"/ && -e "src/$1";
		$head = $1 if /^(\w+)\(.*[^;]$/;
		$begin = $lines if /^\{/ && $head;
		if (/^\}/ && $begin)
		{
			my $length = $lines - $begin + 1;
			push @{ $problem{$file} }, "$head has $length lines" if $length > $longest;
			($head, $begin) = ('');
		}
	}
	close $source;
	push @{ $problem{$file} }, "$lines lines" if $lines > $most_lines;
}

# of a file, and of its header; a header without a file calls nothing
sub unit { return $_[0] =~ s/\.[ch]$//r }
my %calls = map { unit($_) => 1 } grep { /\.c$/ } keys %room_of;

my %uses;
for my $file (sort keys %problem)
{
	for my $other (@{ $includes{$file} // [] })
	{
		my ($from, $to) = map { $room_of{$_} } $file, $other;

		if ($from ne $to)
		{
			push @{ $problem{$file} }, "includes $other, which is not below"
			  if $floor{$from} && $floor{$to} && $floor{$to} >= $floor{$from};
		}
		elsif (unit($file) ne unit($other) && $calls{ unit($other) })
		{
			$uses{ unit($file) }{ unit($other) } = 1;
		}
	}
}

# What a unit reaches by includes within its room.
sub reaches
{
	my ($unit, $seen) = @_;

	for my $next (sort keys %{ $uses{$unit} // {} })
	{
		next if $seen->{$next}++;
		reaches($next, $seen);
	}
	return $seen;
}

for my $file (sort keys %problem)
{
	push @{ $problem{$file} }, 'is in a circle of includes'
	  if reaches(unit($file), {})->{ unit($file) };
}

my $failed = 0;
for my $file (sort keys %problem)
{
	$failed++ if @{ $problem{$file} };
	print "$file: $_\n" for @{ $problem{$file} };
}
for my $room (@rooms)
{
	for my $pattern (@{ $named{$room} })
	{
		next if grep { $room_of{$_} eq $room && /\/$pattern\.[ch]$/ } keys %room_of;
		print "$page: $room has no file \"$pattern\"\n";
		$failed++;
	}
}
printf "%d passed, %d failed\n", scalar(grep { !@{ $problem{$_} } } keys %problem), $failed;
exit($failed > 0);

#!/usr/bin/env perl
#
# Executes the documentation: every block of SQL of the pages that are given, in
# order, and compares what it prints with what the page shows.
#
#   test/docs.pl [-v] [-w] PAGE...  with PGHOST, PGPORT, PGUSER of a server to play with
#
#   -v  says how many blocks each page has    -w  writes tables that differ into the page
#
# Each page has the database "shop" for itself, and the server: roles that it makes
# are dropped after it. Its blocks run in one session of psql, whose output is that
# of `psql -q` without the numbers of rows.
#
# What is executed, and what it must print:
#
#   ```sql            executed. Prints an error only where the page shows one.
#   ```text           right after it: all that the block prints.
#   -- a comment      in a block, on the line after a statement: all that was printed
#                     since the last such comment. (One that follows a blank line, or
#                     begins the block, is just a comment.)
#   ```sh             not executed unless marked; listed.
#
# What a reader does not see is in HTML comments of their own:
#
#   <!-- docs: setup            SQL, or commands of psql, that make what the blocks
#   ...                         after it need. It may print no error.
#   -->
#   <!-- docs: run -->          the next block is shell, and executed all the same
#   <!-- docs: needs NAME -->   the next block needs that extension, and is not
#                               executed on a server that has none
#   <!-- docs: skip REASON -->  the next block is not executed
#   <!-- docs: table            SQL that returns the lines of the table after it, below its
#   ...                         first two, which are its head. They must be the same.
#   -->
#   <!-- docs: any REASON -->   what the next block prints is not compared
#
# Output is compared line by line:
#
#   - However wide columns are, and where words of one line are set.
#   - "…" in a page stands for anything within a line; alone in a line, for any lines.
#   - Numbers with a point may differ by 1 in 10,000, and such with three digits or
#     more after it by one in the last: factors are the same on one kind of processor
#     only. Both must have about as many digits.
#   - Seconds in "timings" may be any, and costs of plans.
#
# A page NAME.xx.md is a translation of NAME.md into language xx: its blocks, marks and
# outputs are those of that page, apart from comments in SQL and shell. Where that page is
# executed as well, they are compared and not executed once more.
#
# Prints what differs, what was not executed, and why; then "N passed, N failed" for
# blocks. Fails when a block failed, or when a page with blocks executed none.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use File::Temp qw(tempdir);

my ($verbose, $writes);
while (@ARGV && $ARGV[0] =~ /^-([vw])$/)
{
	$verbose = 1 if $1 eq 'v';
	$writes = 1 if $1 eq 'w';
	shift @ARGV;
}
die "usage: test/docs.pl [-v] [-w] PAGE...\n" unless @ARGV;
my $folder = tempdir('reco-docs.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my %available;    # extensions that the server has
my %tables;       # what is to be written into pages
my %executed;     # pages
my %count = map { $_ => 0 } qw(passed failed outputs skipped uncompared shell);
$ENV{PGDATABASE} = 'postgres';
$ENV{PGCLIENTENCODING} = 'UTF8';
# what a reader's session has by default
delete @ENV{qw(PGOPTIONS PGTZ PGDATESTYLE)};

# Runs psql on a file; returns all that it prints, in the order of printing.
sub psql
{
	my ($file, @arguments) = @_;
	open my $pipe, '-|', "psql -X -q -P footer=off @arguments <'$file' 2>&1"
	  or die "psql: $!";
	local $/;
	my $output = <$pipe>;
	close $pipe;
	return $output // '';
}

sub sql
{
	my ($text) = @_;
	spew("$folder/sql", $text);
	my $output = psql("$folder/sql", '-v ON_ERROR_STOP=1 -A -t');
	die $output if $? != 0;
	return $output;
}

sub spew
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
	return;
}

# The blocks of a page, as hashes: line, kind (sql, sh, setup, table), text, and mark with
# reason; of sql blocks, chunks [SQL, what it must print or undef]. And complaints.
sub blocks_of
{
	my ($page) = @_;
	my (@blocks, @complaints, $mark, $last);
	open my $file, '<', $page or die "$page: $!\n";
	my @lines = <$file>;
	close $file;
	for (my $i = 0; $i < @lines; $i++)
	{
		my $line = $i + 1;
		if ($lines[$i] =~ /^<!-- docs: setup\s*$/)
		{
			my $text = '';
			$text .= $lines[$i] while ++$i < @lines && $lines[$i] !~ /^-->/;
			push @blocks, { line => $line, kind => 'setup', text => $text };
		}
		elsif ($lines[$i] =~ /^<!-- docs: table\s*$/)
		{
			my ($text, $shown) = ('', '');
			$text .= $lines[$i] while ++$i < @lines && $lines[$i] !~ /^-->/;
			$i++ while $i + 1 < @lines && $lines[ $i + 1 ] =~ /^\s*$/;
			$i += 2;    # the head
			my $first = $i + 1;
			$shown .= $lines[$i] while ++$i < @lines && $lines[$i] =~ /^\|/;
			push @blocks, { line => $line, kind => 'table', first => $first, end => $i, chunks => [ [ $text, $shown ] ] };
		}
		elsif ($lines[$i] =~ /^<!-- docs: (run|needs|skip|any)\s*(.*?)\s*-->$/)
		{
			$mark = [ $1, $2 ];
			push @complaints, "$page:$line: \"$1\" without a reason" if $1 ne 'run' && $2 eq '';
		}
		elsif ($lines[$i] =~ /^<!-- docs/)
		{
			push @complaints, "$page:$line: not a mark that this knows: $lines[$i]";
		}
		elsif ($lines[$i] =~ /^(\s*)```(\w*)/)
		{
			my ($indent, $kind) = ($1, $2);
			my $text = '';
			while (++$i < @lines && $lines[$i] !~ /^\s*```\s*$/)
			{
				$text .= $lines[$i] =~ s/^$indent//r;
			}
			if ($kind eq 'text')
			{
				if ($last)
				{
					push @complaints, "$page:$line: the block before it has comments that say what it prints"
					  if grep { defined $_->[1] } @{ $last->{chunks} };
					$last->{chunks} = [ [ join('', map { $_->[0] } @{ $last->{chunks} }), $text ] ];
				}
				else
				{
					push @complaints, "$page:$line: shows what is printed, but there is no block before it";
				}
				$last = undef;
				next;
			}
			$last = undef;
			if ($kind eq 'sql' || $kind eq 'sh')
			{
				my $block = { line => $line, kind => $kind, text => $text, mark => $mark };
				$block->{chunks} = $kind eq 'sql' ? chunks_of($text) : [ [ $text, undef ] ];
				push @blocks, $block;
				$last = $block;
				$mark = undef;
			}
			push @complaints, "$page:$line: a mark, but no SQL or shell after it" if $mark;
			$mark = undef;
		}
		elsif ($lines[$i] =~ /\S/)
		{
			$last = undef;
		}
	}
	return (\@blocks, \@complaints);
}

# A block's SQL, cut after each comment that says what was printed.
sub chunks_of
{
	my ($text) = @_;
	my (@chunks, $sql, $shown);
	my $after = 0;    # whether a statement has just ended
	$sql = '';
	for my $line (split /^/, $text)
	{
		if ($after && $line =~ /^--(?: (.*))?$/)
		{
			$shown = ($shown // '') . ($1 // '') . "\n";
			next;
		}
		if (defined $shown)
		{
			push @chunks, [ $sql, $shown ];
			($sql, $shown) = ('', undef);
		}
		$sql .= $line;
		$after = $line =~ /;\s*(?:--.*)?$/ || $line =~ /^\\/;
	}
	push @chunks, [ $sql, $shown ] if $sql =~ /\S/ || defined $shown;
	return \@chunks;
}

# What a translation has of a block as it is: all but comments that show no output.
sub untranslatable
{
	my ($block) = @_;
	my $quoted = qr/'(?:[^']|'')*'|"[^"]*"|(\$\w*\$).*?\g{-1}/s;
	my $chunks = $block->{kind} eq 'setup' ? [ [ $block->{text}, undef ] ] : $block->{chunks};
	my @parts = ($block->{kind}, @{ $block->{mark} // [] });
	for my $chunk (@$chunks)
	{
		my ($text, $shown) = @$chunk;
		if ($block->{kind} eq 'sh') { $text =~ s/(?:^|[ \t]+)#.*$//gm; }
		else { $text =~ s/($quoted)|[ \t]*--[^\n]*/$1 \/\/ ''/ge; }
		push @parts, $text, defined $shown ? ('prints', $shown) : ();
	}
	return join "\n", @parts;
}

# What a translation's first block that is not that of the page it is made from differs in.
sub faults_of_translation
{
	my ($page, $blocks, $original) = @_;
	my ($others) = blocks_of($original);
	my ($n, $m) = (scalar @$blocks, scalar @$others);
	for my $i (0 .. ($n < $m ? $n : $m) - 1)
	{
		my ($mine, $theirs) = map { untranslatable($_->[$i]) } $blocks, $others;
		next if $mine eq $theirs;
		return "$page:$blocks->[$i]{line}: not the block of $original:$others->[$i]{line}\n"
		  . differences($mine, $theirs);
	}
	return $n == $m ? '' : "$page: $n blocks, but $original has $m\n";
}

# Lines without what may differ in any case: the width of columns, blank lines.
sub comparable
{
	my ($text) = @_;
	my @lines;
	for my $line (split /\n/, $text)
	{
		$line =~ s/"(read|train|write|measure)": [0-9.]+/"$1": 0/g;
		$line =~ s/\b(cost=|costs )[0-9.]+/${1}0/g;
		$line =~ s/-{3,}/---/g;
		$line =~ s/\s+/ /g;
		$line =~ s/^ | $//g;
		push @lines, $line if $line ne '';
	}
	return @lines;
}

sub same_number
{
	my ($x, $y) = @_;
	my $far = abs($x - $y);
	my $largest = abs($x) > abs($y) ? abs($x) : abs($y);
	my ($digits, $others) = map { /\.(\d+)/ ? length $1 : 0 } $x, $y;
	return 0 if abs($digits - $others) > 3;
	return 1 if $far <= 1e-4 * $largest;
	return $digits >= 3 && $far < 1.5 * 10**-$digits;
}

sub same_line
{
	my ($shown, $printed) = @_;
	return 1 if $shown eq $printed;
	my $number = qr/-?\d+\.\d+(?:e[-+]?\d+)?/;
	my $pattern = '';
	my @expected;
	# numbers with a point, and dots that stand for anything
	for my $part (split /(…|$number)/, $shown)
	{
		if ($part eq '…') { $pattern .= '.*?'; }
		elsif ($part =~ /^$number$/)
		{
			push @expected, $part;
			$pattern .= "(-?\\d+(?:\\.\\d+)?(?:e[-+]?\\d+)?)";
		}
		else { $pattern .= quotemeta $part; }
	}
	my @found = $printed =~ /^$pattern$/ or return 0;
	for my $i (0 .. $#expected)
	{
		return 0 unless same_number($expected[$i], $found[$i]);
	}
	return 1;
}

# Whether what was printed is what the page shows.
sub same_output
{
	my ($shown, $printed) = @_;
	return !@$printed unless @$shown;
	if ($shown->[0] eq '…')
	{
		my @rest = @$shown[ 1 .. $#$shown ];
		for my $i (0 .. @$printed)
		{
			return 1 if same_output(\@rest, [ @$printed[ $i .. $#$printed ] ]);
		}
		return 0;
	}
	return 0 unless @$printed && same_line($shown->[0], $printed->[0]);
	return same_output([ @$shown[ 1 .. $#$shown ] ], [ @$printed[ 1 .. $#$printed ] ]);
}

# One script for the whole page, with a line of output before and after each chunk.
sub script_of
{
	my ($blocks) = @_;
	my $script = "\\set QUIET on\n\\c shop\n";
	my $number = 0;
	for my $block (@$blocks)
	{
		my $mark = $block->{mark} ? $block->{mark}[0] : '';
		$block->{executed} = $mark ne 'skip' && ($block->{kind} ne 'sh' || $mark eq 'run');
		if ($mark eq 'needs')
		{
			my $extension = $block->{mark}[1];
			$block->{executed} = $available{$extension};
			$block->{mark}[1] = "the server has no $extension";
			$script .= "CREATE EXTENSION IF NOT EXISTS $extension;\n" if $block->{executed};
		}
		next unless $block->{executed};
		my @chunks = $block->{kind} eq 'setup' ? [ $block->{text}, undef ] : @{ $block->{chunks} };
		$block->{numbers} = [];
		for my $chunk (@chunks)
		{
			my $text = $chunk->[0];
			if ($block->{kind} eq 'sh')
			{
				spew("$folder/$number.sh", "cd '$folder'\n$text");
				$text = "\\! PGDATABASE=shop sh -e '$folder/$number.sh' 2>&1 || echo 'ERROR:  the shell failed'\n";
			}
			$text .= "\n" unless $text =~ /\n$/;
			$text = "\\pset format unaligned\n\\pset tuples_only on\n$text"
			  . "\\pset format aligned\n\\pset tuples_only off\n" if $block->{kind} eq 'table';
			$script .= "\\echo \@\@$number\n$text";
			push @{ $block->{numbers} }, $number++;
		}
	}
	return $script . "\\echo \@\@end\n";
}

# The lines that one of two texts has and the other has not.
sub differences
{
	my ($shown, $printed) = @_;
	my %shown = map { $_ => 1 } split /\n/, $shown;
	my %printed = map { $_ => 1 } split /\n/, $printed;
	return join('', map { "only in the page:     $_\n" } grep { !$printed{$_} } split /\n/, $shown)
	  . join('', map { "not in the page:      $_\n" } grep { !$shown{$_} } split /\n/, $printed)
	  || "the order of the lines\n";
}

# Puts the lines that a table should have into the page; the later tables first, as lines move.
sub write_table
{
	my ($page, $block, $printed) = @_;
	push @{ $tables{$page} }, [ $block->{first}, $block->{end}, $printed ];
	return;
}

sub write_tables
{
	my ($page) = @_;
	open my $file, '<', $page or die "$page: $!\n";
	my @lines = <$file>;
	close $file;
	for my $table (reverse @{ $tables{$page} })
	{
		my ($first, $end, $printed) = @$table;
		splice @lines, $first, $end - $first, $printed;
	}
	spew($page, join '', @lines);
	return;
}

sub run_page
{
	my ($page) = @_;
	my ($blocks, $complaints) = blocks_of($page);
	my $run = 0;
	my @failures = map { "$_\n" } @$complaints;
	$count{failed} += @failures;
	my $original = $page =~ /^(.+)\.[a-z]{2}\.md$/ ? "$1.md" : undef;
	if ($original)
	{
		my $fault = faults_of_translation($page, $blocks, $original);
		$count{ $fault eq '' ? 'passed' : 'failed' }++;
		push @failures, $fault if $fault ne '';
	}

	if ($original && $executed{$original} && !@failures)
	{
		print "$page: compared with $original\n" if $verbose;
		return;
	}
	$executed{$page} = 1;

	sql("CREATE DATABASE shop;\n");
	spew("$folder/page.sql", script_of($blocks));
	my $output = psql("$folder/page.sql");
	my %printed = $output =~ /^\@\@(\w+)\n(.*?)(?=^\@\@|\z)/gms;

	for my $block (@$blocks)
	{
		my ($mark, $reason) = $block->{mark} ? @{ $block->{mark} } : ('', '');
		my $at = "$page:$block->{line}";
		if (!$block->{executed})
		{
			$count{ $block->{kind} eq 'sh' ? 'shell' : 'skipped' }++;
			print "$at: not executed: ", $reason || 'shell', "\n";
			next;
		}
		my $bad = '';
		my @shown = $block->{kind} eq 'setup' ? (undef) : map { $_->[1] } @{ $block->{chunks} };
		for my $i (0 .. $#shown)
		{
			my $printed = $printed{ $block->{numbers}[$i] };
			if (!defined $printed)
			{
				$bad .= "the session ended, or a statement before it is not complete\n";
				last;
			}
			if ($block->{kind} eq 'table')
			{
				$count{outputs}++;
				next if $shown[$i] eq $printed;
				write_table($page, $block, $printed) if $writes;
				$bad .= differences($shown[$i], $printed);
			}
			elsif (defined $shown[$i] && $mark ne 'any')
			{
				$count{outputs}++;
				next if same_output([ comparable($shown[$i]) ], [ comparable($printed) ]);
				$bad .= "--- the page shows\n$shown[$i]--- it prints\n$printed---\n";
			}
			elsif ($printed =~ /^(ERROR|FATAL|PANIC|\w+: error):/m && !(defined $shown[$i] && $shown[$i] =~ /^ERROR/m))
			{
				$bad .= "--- it prints\n$printed---\n";
			}
		}
		if ($mark eq 'any')
		{
			$count{uncompared}++;
			print "$at: output not compared: $reason\n";
		}
		next if $block->{kind} eq 'setup' && $bad eq '';
		$run++;
		$count{ $bad eq '' ? 'passed' : 'failed' }++;
		push @failures, "$at: " . ($block->{kind} eq 'setup' ? "setup failed\n" : "failed\n") . $bad if $bad ne '';
	}
	if (!$run && grep { $_->{kind} eq 'sql' } @$blocks)
	{
		push @failures, "$page: no block was executed\n";
		$count{failed}++;
	}
	print "$page: $run blocks executed\n" if $verbose;
	print @failures;

	# the next page finds the server as this one did
	sql("DROP DATABASE shop WITH (FORCE);\n");
	my $rest = q{SELECT 'DROP DATABASE ' || quote_ident(datname) || ' WITH (FORCE);' FROM pg_database
	              WHERE datname NOT IN ('postgres', 'template0', 'template1') UNION ALL
	             (SELECT 'DROP ROLE ' || quote_ident(rolname) || ';' FROM pg_roles
	               WHERE rolname !~ '^pg_' AND rolname <> current_user ORDER BY oid);};
	sql($_) for split /^/, sql("$rest\n");
	return;
}

%available = map { $_ => 1 } split /\n/, sql("SELECT name FROM pg_available_extensions;\n");
run_page($_) for @ARGV;
write_tables($_) for sort keys %tables;
print "$count{outputs} outputs compared, $count{uncompared} not; ",
  "$count{skipped} blocks of SQL and $count{shell} of shell not executed\n";
print "$count{passed} passed, $count{failed} failed\n";
exit($count{failed} || !$count{passed} ? 1 : 0);

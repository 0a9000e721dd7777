# Says of each DKIM signature of the message on standard input whether it holds: "rsa pass" and so on, a line each.
# Arguments: name and text of TXT records, which stand for DNS.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS::RR;

my %records = @ARGV;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name) = @_;
        my $text = $records{$name} or return;
        my @parts = $text =~ /(.{1,200})/g;
        return Net::DNS::RR->new( owner => $name, type => 'TXT', txtdata => \@parts );
    };
}
binmode STDIN;
my $verifier = Mail::DKIM::Verifier->new();
$verifier->load( \*STDIN );
print $_->selector, ' ', $_->result_detail, "\n" for $verifier->signatures;

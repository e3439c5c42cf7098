"""ChatFlow: settings, the site map, and what the three domain apps share."""
